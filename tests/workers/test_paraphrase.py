"""Paraphrases from a scripted model, with real embeddings: what keeps its meaning and changes its words is kept."""

from pathlib import Path
from typing import Any

import pytest

from app.domain import Dropped, Sample
from app.settings import settings
from tests.workers.scripted import Scripted, context, made_by, stands
from tests.workers.test_model_gates import classifier

SENTENCE = "The ferry Aurora leaves Norvik at 07:40 every weekday."
GOOD = "On weekdays the Aurora sets out from Norvik at 07:40."
ABOUT = context(f"# Ferries\n\n{SENTENCE}\n\n| a | b |\nNo fees.")
SAME = {"lost": "", "added": "", "same": 5}


def rows(*said: str, judged: dict[str, Any] = SAME, **options: Any) -> list[Sample | Dropped]:
    script = Scripted(paraphrase__sentence={"paraphrases": list(said)} if said else {}, judge__paraphrase=judged)
    outcome = made_by("paraphrase", script, ABOUT, **({"variants": max(1, len(said))} | options))
    return [*outcome.kept, *outcome.dropped]


def test_only_whole_sentences_are_said_in_other_words() -> None:
    (row,) = rows(GOOD, styles={"formal": 1})
    assert isinstance(row, Sample)
    assert row.question == f"Say this in other words, in formal language: {SENTENCE}"
    assert row.answer == GOOD
    assert [span.quote for span in row.sources] == [SENTENCE]
    assert stands(ABOUT, row.sources[0])
    scores = {verdict.metric: verdict.score for verdict in row.verdicts}
    assert 0.65 < scores["similarity"] < 1
    assert scores["facts_kept"] == scores["meaning"] == 1
    assert scores["overlap"] < 0.7


@pytest.mark.parametrize(
    ("said", "judged", "reason"),
    [
        ("The ferry Aurora departs Norvik at 07:40 every weekday.", SAME, "not_reworded"),
        ("On weekdays the Aurora sets out from Norvik at 07:45.", SAME, "facts_changed"),
        ("On weekdays the Borealis sets out from Norvik at 07:40.", SAME, "facts_changed"),
        ("On weekdays the ferry sets out from Norvik at 07:40.", SAME, "facts_changed"),
        ("Prices at the Norvik market rose by 07:40 in Aurora shops.", SAME, "meaning_lost"),
        (GOOD, SAME | {"added": "it is late", "same": 2}, "meaning_changed"),
    ],
)
def test_a_paraphrase_that_changes_too_little_or_too_much_says_so(
    said: str, judged: dict[str, Any], reason: str
) -> None:
    (row,) = rows(said, judged=judged)
    assert isinstance(row, Dropped), row
    assert row.reason == reason
    assert row.answer == said


def test_variants_are_rows_of_their_own_and_the_same_words_once() -> None:
    other = "At 07:40 on each working day the Aurora departs from Norvik."
    assert sorted(row.answer for row in rows(GOOD, other, GOOD)) == sorted([other, GOOD])


def test_a_context_without_a_sentence_and_a_broken_reply_are_told() -> None:
    (row,) = rows(GOOD, least_words=30)
    assert isinstance(row, Dropped)
    assert row.reason == "no_sentence"
    (broken,) = rows()
    assert isinstance(broken, Dropped)
    assert (broken.reason, broken.attributes["sentence"]) == ("parse_error", SENTENCE)


def test_an_nli_model_takes_the_judge_s_place_in_both_directions(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("CORPUSMITH_NLI_MODEL", classifier(tmp_path / "nli", ["entailment", "neutral"]))
    settings.cache_clear()
    script = Scripted(paraphrase__sentence={"paraphrases": [GOOD]})
    outcome = made_by("paraphrase", script, ABOUT, gates={"meaning": 0.0})
    (verdict,) = outcome.kept[0].verdicts
    assert 0 < verdict.score < 1
    assert verdict.reason.startswith("NLI: ")
    assert [ref for ref, *_ in script.asked] == ["paraphrase/sentence@1"], "no judge is asked"
