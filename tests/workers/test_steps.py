"""What the cheap gates and the selection say about single rows."""

import pytest

from workers.gates.grounded_judge import agreement
from workers.gates.numbers import supported_numbers
from workers.gates.standalone import mentions_document
from workers.select import duplicates


@pytest.mark.parametrize(
    ("question", "answer", "own"),
    [
        ("How much do students pay?", "Students pay 70 percent of the adult fare.", "70 percent"),
        ("Who is on duty?", "The paramedic Anna Lind is on duty.", "Anna Lind"),
        ("Кто дежурит?", "Фельдшер Анна Линд дежурит в порту Тарнхольма.", "Анна Линд"),
        ("В каком порту?", "Фельдшер дежурит в порту Тарнхольма.", "порт Тарнхольм"),
    ],
)
def test_a_judge_that_answers_the_same_agrees(question: str, answer: str, own: str) -> None:
    assert agreement(question, answer, own) >= 60


@pytest.mark.parametrize(
    ("question", "answer", "own"),
    [
        ("When does it leave?", "It leaves at 07:40.", "At 08:15"),
        ("Which quay is the longest?", "The longest quay is Line C.", "Tarnholm quay"),
        ("Who is captain?", "The captain is Per Holm.", "Anna Lind"),
        ("What is it?", "It is red.", "UNKNOWN"),
        ("What is it?", "It is red.", ""),
    ],
)
def test_a_judge_that_answers_something_else_or_nothing_does_not(question: str, answer: str, own: str) -> None:
    assert agreement(question, answer, own) < 60


def test_numbers_must_stand_in_the_context_or_the_question() -> None:
    context = "It leaves at 07:40 and costs 12 euros."
    assert supported_numbers("It costs 12 euros.", context) == 1
    assert supported_numbers("It is free.", context) == 1
    assert supported_numbers("It leaves at 07:45.", context) == 0
    assert supported_numbers("It leaves at 07:40 and costs 13.", context) == 0.5


def test_a_number_in_another_way_of_writing_is_the_same_number() -> None:
    text = (
        "On 2027-05-03 it leaves at 07:40, costs 12.5 crowns, has 4,200 seats, took 611 000 people in 2023 and 88 cars."
    )
    for said in ("3 May 2027", "7:40", "12.50 crowns", "4200 seats", "4 200 seats", "611,000 people", "611000", "2023"):
        assert supported_numbers(f"It is {said}.", text) == 1, said
    for said in ("30 May", "7:04", "12.05", "420 seats", "42,00", "4.2", "611 001 people", "88 200 people"):
        assert supported_numbers(f"It is {said}.", text) < 1, said


@pytest.mark.parametrize(
    "text",
    [
        "What does the text say about fares?",
        "According to the document, 12.",
        "Что сказано в тексте о ценах?",
        "laut Dokument",
    ],
)
def test_rows_that_point_to_a_document_are_noticed(text: str) -> None:
    assert mentions_document(text)


@pytest.mark.parametrize(
    "text", ["Which documents does a driver carry?", "Какой документ нужен водителю?", "A text message"]
)
def test_rows_about_documents_are_not(text: str) -> None:
    assert not mentions_document(text)


def test_exact_and_near_copies_are_found_and_the_first_of_them_stays() -> None:
    base = "At what time does the ferry Aurora leave the harbour of Norvik on weekdays It leaves at seven forty"
    rows = [
        (1, base),
        (2, base.upper() + "!"),
        (3, base.replace("seven forty", "seven forty sharp")),
        (4, "Who steers it?"),
    ]
    found = {row: other for row, other, _ in duplicates.repeated(rows, 0.85)}
    assert found == {2: 1, 3: 1}


def test_ten_thousand_different_rows_hold_no_copies() -> None:
    rows = [(i, f"Question {i} about harbour {i * 7} and ferry {i * 13} in year {i * 17}") for i in range(10_000)]
    assert list(duplicates.repeated(rows, 0.85)) == []
