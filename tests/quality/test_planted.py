"""Faults planted into a whole job, in two languages, and what the gates make of them: a table of recall and precision.

PLANTED_CONTEXTS sets the size, 6 rows a context. What is planted is read from the words and grades of the rows, not
from the reason they were dropped for.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import content_faults
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

CONTEXTS = int(os.environ.get("PLANTED_CONTEXTS", 45))
RATE = 0.06  # of the calls that a fault can befall
RECALL, PRECISION = 0.98, 0.95
Row = dict[str, Any]


def russian_ferries(count: int) -> bytes:
    """The same kind of text in Russian."""
    return "\n\n".join(
        f"Паром Номер {i} отходит из гавани Тарнхольм-{i} в {i % 24:02d}:{i % 60:02d} каждый день. Билет на него стоит "
        f"{i + 3} евро и пятьдесят центов. Капитана этого парома зовут Пётр Иванов {i}. Паром берёт на борт {50 + i} "
        f"пассажиров и {i + 2} машин, а построен он в {1900 + i} году на верфи города Бергвик-{i}."
        for i in range(count)
    ).encode()


@dataclass(frozen=True, slots=True)
class Planted:
    """How a row shows a fault, and the reasons that are right for it."""

    shows: Callable[[Row], bool]
    reasons: tuple[str, ...]


def begins(row: Row, *texts: str) -> bool:
    return str(row["answer"]).startswith(texts) or str(row["question"]).startswith(texts)


def invented_number(row: Row) -> bool:
    """The fake model writes numbers from 417 on that the document does not have; its own are below, or are years."""
    return any(417 <= int(number) < 1000 for number in re.findall(r"\d+", row["answer"]))


def invented_quote(row: Row) -> bool:
    return any(name in str(row["attributes"].get("unlocated_quotes")) for name in ("Zorvath", "Зорвата"))


def graded(row: Row, metric: str) -> float:
    return next((float(verdict["score"]) for verdict in row["verdicts"] if verdict["metric"] == metric), 5.0)


LOW = ("not_faithful", "not_answerable", "not_useful")
FAULTS = {
    "wrong_fact": Planted(invented_number, ("unsupported_number",)),
    "invented_quote": Planted(invented_quote, ("no_source",)),
    "refusal": Planted(lambda row: begins(row, "I'm sorry, I cannot help", "Извините, я не могу"), ("refused",)),
    "wrong_language": Planted(
        lambda row: begins(row, *content_faults._FOREIGN["en"], *content_faults._FOREIGN["ru"]), ("wrong_language",)
    ),
    "unanswerable": Planted(
        lambda row: row["answer"] == "UNKNOWN" or graded(row, "answerability") == 1 < graded(row, "faithfulness"),
        ("unanswerable", "not_answerable"),
    ),
    "prompt_echo": Planted(lambda row: begins(row, "#Rewritten", "For the given prompt"), ("copied_prompt",)),
    "copied_question": Planted(
        lambda row: row["kind"] == "evolved" and row["question"] == row["parent_question"], ("no_gain",)
    ),
    "low_score": Planted(lambda row: graded(row, "faithfulness") == 1, LOW),
}


def reasons_for(row: Row) -> set[str]:
    """What is right for a row: it may have met several faults, each at another call, and only the first drops it."""
    return {reason for fault in FAULTS.values() if fault.shows(row) for reason in fault.reasons}


@pytest.mark.parametrize(("language", "write"), [("en", ferries), ("ru", russian_ferries)])
def test_each_planted_fault_is_found_and_nothing_else_is_called_by_its_name(
    tmp_path: Path, language: str, write: Callable[[int], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    script = {"seed": 11, "faults": [{"fault": name, "rate": RATE} for name in FAULTS]}
    with FakeModel(script) as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"ferries.txt": write(CONTEXTS)})
        wanted = {"chunking": {"splitter": "recursive", "size": 400}, "language": language}
        dataset = service.dataset(corpus, **wanted)
        assert service.finished(dataset, 300)["status"] == "succeeded"
        rows = service.samples(dataset)
    assert len(rows) >= 5 * CONTEXTS
    lines = [f"{language}, {len(rows)} rows: fault, planted, dropped, recall, precision"]
    missed = []
    for name, fault in FAULTS.items():
        planted = [row for row in rows if fault.shows(row)]
        right = [row for row in planted if row["reason"] in reasons_for(row)]
        called = [row for row in rows if row["reason"] in fault.reasons]
        recall = len(right) / max(1, len(planted))
        precision = sum(row["reason"] in reasons_for(row) for row in called) / max(1, len(called))
        lines.append(f"{name:16} {len(planted):4} {len(right):4} {recall:6.3f} {precision:6.3f}")
        if not planted or recall < RECALL or precision < PRECISION:
            wrong = [row for row in planted if row not in right] + [
                row for row in called if row["reason"] not in reasons_for(row)
            ]
            missed.append((name, [(r["reason"], r["question"], r["answer"], r["detail"]) for r in wrong[:3]]))
    faulty = [row for row in rows if row["state"] == "accepted" and reasons_for(row)]
    lines.append(f"accepted {sum(row['state'] == 'accepted' for row in rows)}, with a fault {len(faulty)}")
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201
    assert missed == []
    assert faulty == []


def test_of_a_russian_corpus_nearly_all_rows_kept_are_russian(tmp_path: Path) -> None:
    """One call in ten answers in English. The rows kept are looked at by another detector than the gate's."""
    script = {"seed": 5, "faults": [{"fault": "wrong_language", "rate": 0.1}]}
    with FakeModel(script) as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"ferries.txt": russian_ferries(CONTEXTS)})
        dataset = service.dataset(corpus, chunking={"splitter": "recursive", "size": 400}, language="ru")
        assert service.finished(dataset, 300)["status"] == "succeeded"
        rows = service.samples(dataset)
    foreign = content_faults._FOREIGN["ru"]
    assert sum(begins(row, *foreign) for row in rows) >= CONTEXTS / 5, "some were planted"
    kept = [row for row in rows if row["state"] == "accepted"]
    cyrillic = [sum("а" <= letter <= "я" for letter in (row["question"] + row["answer"]).lower()) for row in kept]
    letters = [sum(map(str.isalpha, row["question"] + row["answer"])) for row in kept]
    russian = sum(own / all_of_them > 0.9 for own, all_of_them in zip(cyrillic, letters, strict=True))
    assert len(kept) >= 3 * CONTEXTS
    assert russian / len(kept) >= 0.99
