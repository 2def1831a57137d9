"""The user's own questions go to the contexts that can answer them."""

from workers.seeding import assign, spread

TEXTS = [
    "The ferry Aurora leaves Norvik at 07:40 every weekday. A single ticket costs 12 euros.",
    "Опасный груз объявляют начальнику порта за 48 часов. Порт закрыт ночью.",
    "Prams and bicycles travel free of charge. Dogs need a ticket for animals.",
    "渡轮每天早上七点四十分离开港口。",
]


def test_each_question_goes_to_the_text_with_its_words_though_languages_inflect() -> None:
    questions = [
        "Do dogs need tickets?",
        "Кому объявлять опасные грузы?",
        "what time is Aurora leaving",
        "渡轮什么时候离开?",
    ]
    assert assign(questions, TEXTS) == [2, 1, 0, 3]


def test_rare_words_count_more_than_common_ones() -> None:
    texts = ["ticket " * 5 + "adult fare", "ticket zone lighthouse", "ticket ticket office"]
    assert assign(["Which ticket is for the lighthouse?"], texts) == [1]


def test_a_question_that_matches_nothing_is_asked_all_the_same() -> None:
    assert assign(["xyzzy?"], TEXTS) == [0]


def test_contexts_with_questions_come_first_and_no_question_is_lost_or_doubled() -> None:
    order, asked = spread(["Do dogs need tickets?", "Do dogs need tickets? ", "Do prams cost?"], TEXTS)
    assert order == [2, 0, 1, 3]
    assert asked == [["Do dogs need tickets?", "Do prams cost?"], [], [], []]


def test_without_questions_nothing_moves() -> None:
    assert spread([], TEXTS) == ([0, 1, 2, 3], [[], [], [], []])
