"""Entities of a chunk: names, figures with units, identifiers and quoted terms, in Latin and Cyrillic letters."""

import pytest

from workers.grouping.candidate import Candidate
from workers.grouping.entities import MAX_LIMIT, Links, entities


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It was built by the Harbour Company of Norvik in 1901.", {"harbour company of norvik"}),
        ("Every morning the Aurora sails.", {"aurora"}),
        ("The load is 12.5 kg at 230 V, or 40 %.", {"12.5 kg", "230 v", "40 %"}),
        ("Call `retry_after` or parseReply() of app.llm.", {"retry_after", "parsereply", "app.llm"}),
        ('This is called "dead weight" there.', {"dead weight"}),
        ("See ISO 9001 and NASA.", {"iso 9001", "nasa"}),
        ("It leaves at 07:40.", {"07:40"}),
        ("Его построила Норвикская Верфь.", {"норвикск верф"}),
        ("Масса равна 12,5 кг, а цена 40 руб.", {"12.5 кг", "40 руб"}),
        ("Это называют «мёртвым грузом» моряки.", {"мёртв груз"}),
    ],
)
def test_what_a_text_speaks_of_is_found(text: str, wanted: set[str]) -> None:
    assert wanted <= entities(text)


@pytest.mark.parametrize(
    "text", ["The ferry leaves early.", "Паром уходит рано. Билет стоит дорого.", "Every day it rains."]
)
def test_the_first_word_of_a_sentence_is_no_name(text: str) -> None:
    assert entities(text) == frozenset()


def test_a_name_is_the_same_in_every_case() -> None:
    assert entities("Судно зовут «Аврора».") & entities("Капитан судна «Авроры» спит.")
    assert entities("На борту парома Аврора тихо.") & entities("Мы ехали с Авророй.")
    assert entities("We met Norvik's mayor.") == entities("We met Norvik today.")


def test_german_nouns_are_no_names_but_two_capitals_are() -> None:
    text = "Er kauft dem Kapitän ein Boot bei der Nordische Werft."
    assert entities(text, "de") == {"nordische werft"}


def chunk(number: int, text: str) -> Candidate:
    return Candidate(str(number), "doc", text)


def test_chunks_are_linked_by_what_few_of_them_share() -> None:
    everywhere = "We sail for the Blue Line. "
    found = [chunk(i, everywhere + f"It met Captain Number{i // 2} there.") for i in range(12)]
    links = Links(found)
    assert set(links.to(0)) == {1}
    assert set(links.to(7)) == {6}
    assert 0 < links.to(0)[1] <= 1


def test_a_rarer_entity_links_more_strongly() -> None:
    texts = [
        "We saw Old Tom and Big Ben.",
        "He is Old Tom indeed.",
        "There is Big Ben.",
        "Here is Big Ben too.",
        "No one.",
    ]
    strength = Links([chunk(i, text) for i, text in enumerate(texts)]).to(0)
    assert strength[1] > strength[2] == strength[3]


def test_links_stay_few_however_many_chunks_there_are() -> None:
    found = [chunk(i, f"We met Captain Ahab{i % 25} today.") for i in range(1000)]
    links = Links(found)
    assert max(len(links.to(row)) for row in range(0, 1000, 50)) < MAX_LIMIT
