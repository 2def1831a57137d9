"""What an exam asks was not trained on in the same words, and facts of the trained group still are trained on."""

import hashlib

from app.domain import Span
from app.exams.records import ExamQuestion
from workers.exam.hold_out import Row, apart, choose
from workers.exam.take import exchange


def span(fact: int) -> Span:
    quote = f"fact {fact}"
    digest = hashlib.sha256(quote.encode()).hexdigest()
    return Span(
        document_id="doc", document_name="a.txt", start=100 * fact, end=100 * fact + len(quote), page=None,
        sha256=digest, quote=quote, score=100.0,
    )  # fmt: skip


WORDINGS = (
    ("Where does company number {i} have its seat?", "Company number {i} sits in the town of Orlin{i}."),
    ("Name the place from which firm {i} is run today.", "Orlin{i}: all offices are there."),
    ("Somebody wants to visit {i}; to which city should they travel?", "They should go to Orlin{i} by train."),
)


def row(fact: int, wording: int, *, trained: bool) -> Row:
    asked, answer = (text.format(i=fact) for text in WORDINGS[wording])
    question = ExamQuestion(
        id=f"{fact}-{wording}", group="unseen", fact="", question=asked, answer=answer, sources=(span(fact),)
    )
    return Row(question, trained)


def rows() -> list[Row]:
    """Thirty facts that are trained on in three wordings each, and six that are held out."""
    trained = [row(fact, wording, trained=True) for fact in range(30) for wording in range(3)]
    return trained + [row(fact, 0, trained=False) for fact in range(100, 106)]


def test_a_fact_that_is_asked_in_other_words_is_still_trained_on() -> None:
    found = choose(rows(), most=10, share=0.2, seed=1)
    reworded = [question for question in found.questions if question.group == "reworded"]
    assert 0 < len(reworded) <= 10
    assert found.taken == {question.id for question in reworded}
    for question in reworded:
        fact = question.id.split("-")[0]
        left = {f"{fact}-{wording}" for wording in range(3)} - found.taken
        assert len(left) == 2, "one of its three rows is asked, the others are trained on"
    assert len({question.fact for question in found.questions}) == len(found.questions), "each fact is asked once"


def test_held_out_facts_are_asked_and_cost_no_training_row() -> None:
    found = choose(rows(), most=4, share=0.0, seed=1)
    assert [question.group for question in found.questions] == ["unseen"] * 4
    assert found.taken == set()


def test_a_question_with_a_near_copy_in_training_is_not_asked() -> None:
    copy = row(200, 0, trained=False)
    twin = Row(copy.question.model_copy(update={"id": "twin", "sources": (span(300),)}), True)
    found = choose([copy, twin], most=10, share=1.0, seed=0)
    assert found.questions == []
    assert found.left_out["near_copy_in_training"] == 1


def test_the_same_rows_give_the_same_exam_and_another_seed_another() -> None:
    first, again, other = (choose(rows(), most=5, share=1.0, seed=seed) for seed in (1, 1, 2))
    assert first.questions == again.questions
    assert first.questions != other.questions


def test_without_sources_near_copies_are_left_out_all_the_same() -> None:
    questions = [row(fact, 0, trained=False).question for fact in range(5)]
    trained = [f"{questions[2].question} {questions[2].answer} Indeed."]
    kept, copies = apart(questions, trained)
    assert copies == 1
    assert [question.id for question in kept] == ["0-0", "1-0", "3-0", "4-0"]


def test_the_control_learns_the_same_answers_to_other_questions() -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": f"a{i}"}]}
        for i in range(9)
    ]
    found = exchange(rows, seed=4)
    assert [row["messages"][0]["content"] for row in found] == [f"q{i}" for i in range(9)]
    answers = [row["messages"][1]["content"] for row in found]
    assert sorted(answers) == [f"a{i}" for i in range(9)]
    assert all(answer != f"a{i}" for i, answer in enumerate(answers))
    assert rows[0]["messages"][1]["content"] == "a0", "what is trained on is left as it is"
