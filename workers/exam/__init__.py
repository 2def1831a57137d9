"""Takes exams: chooses questions that were not trained on, has the models answer, grades, reckons what was gained."""
