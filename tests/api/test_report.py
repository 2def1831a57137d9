"""A dataset's report: every number counted by hand, the page safe whatever rows say, stored once it has ended."""

import base64
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tokenizers import Tokenizer, models, pre_tokenizers

from app import storage
from app.db import reading, transaction
from app.models import Dataset, Report
from app.reports import corpus, counting, fertility, page, service
from app.reports.schemas import ReportRead
from app.settings import settings
from tests.api import planted
from tests.api.conftest import Made
from tests.api.planted import Planted, span, verdict

Json = dict[str, Any]
TEXT = "# Fares\n\nA ticket costs nine euros. Children pay half.\n\n# Rules\n\nNo smoking on the car deck.\n"
HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</svg></style></bdi></body><svg onload=alert(1)>",
    "\u202egnitteg txet eht fo tuo\u202c \x00\x1b[31m\ud83d",
    "كيف أصل إلى المرفأ؟ מתי יוצאת המעבורת?",
    "'\" onmouseover=alert(1) x='",
    "w" * 10_000,
    "{{ 7 * 7 }}{% raw %}",
]


@pytest.fixture
def fares(client: TestClient) -> Planted:
    """Six accepted rows and four dropped ones, with scores, kinds, attributes, rounds and calls."""
    client.get("/v1/corpora")
    found = planted.corpus("default", {"fares.md": TEXT})
    source = [span(found, "fares.md", "A ticket costs nine euros.")]
    planted.rows(
        "default",
        found,
        [
            {
                "question": "How much is it " + "now " * i + "?",
                "answer": "Nine euros. " * (i + 1),
                "sources": source,
                "verdicts": [verdict("source", 100.0, True), verdict("faithfulness", 4 + i % 2, True)],
                "attributes": {"type": "price" if i < 4 else "rule", "hops": i % 3, "quotes": ["a"] * i},
            }
            for i in range(5)
        ],
    )
    drops = [
        {"state": "dropped", "reason": "not_faithful", "detail": f"detail {i}", "question": f"Q{i}?", "answer": "A",
         "verdicts": [verdict("source", 95.0, True), verdict("faithfulness", 2.0, False)], "sources": source}
        for i in range(3)
    ]  # fmt: skip
    planted.rows(
        "default",
        found,
        [
            *drops,
            {"state": "dropped", "reason": "near_duplicate", "detail": "repeats row 1", "question": "", "answer": ""},
            {"kind": "evolved", "evolution": "deepen", "question": "how MUCH is it ?", "answer": "Nine.",
             "sources": source, "split": "validation"},
        ],
        round=1,
    )  # fmt: skip
    planted.calls("default", found.dataset_id, "ask", [(1000, 0, 50), (1000, 800, 70)])
    planted.calls("default", found.dataset_id, "answer", [(500, 400, 30)] * 3)
    return found


def report(client: TestClient, found: Planted) -> Json:
    reply = client.get(f"/v1/datasets/{found.dataset_id}/report")
    assert reply.status_code == 200, reply.text
    body: Json = reply.json()
    return body


def test_rows_and_drops_are_counted_with_examples(client: TestClient, fares: Planted) -> None:
    body = report(client, fares)
    assert (body["accepted"], body["dropped"], body["train"], body["validation"]) == (6, 4, 5, 1)
    assert [(drop["reason"], drop["rows"], drop["share"]) for drop in body["drops"]] == [
        ("not_faithful", 3, 0.3),
        ("near_duplicate", 1, 0.1),
    ]
    first, second = body["drops"]
    assert [example["detail"] for example in first["examples"]] == ["detail 0", "detail 1", "detail 2"]
    assert [example["question"] for example in first["examples"]] == ["Q0?", "Q1?", "Q2?"]
    assert first["examples"][0]["document"] == second["examples"][0]["document"] == "fares.md"
    assert body["duplicates"] == {"dropped": {"near_duplicate": 1}, "repeated_questions": 1}


def test_scores_lie_where_the_rows_have_them(client: TestClient, fares: Planted) -> None:
    scores = {score["metric"]: score for score in report(client, fares)["scores"]}
    bins = [(found["low"], found["accepted"], found["dropped"]) for found in scores["faithfulness"]["bins"]]
    assert bins == [(2.0, 0, 3), (4.0, 3, 0), (5.0, 2, 0)]
    assert (scores["faithfulness"]["rows"], scores["faithfulness"]["failed"]) == (8, 3)
    assert scores["faithfulness"]["mean"] == round((3 * 2 + 3 * 4 + 2 * 5) / 8, 3)
    assert scores["faithfulness"]["threshold"] == 4.0
    assert (scores["source"]["failed"], scores["source"]["threshold"]) == (0, 90.0)


def test_lengths_kinds_and_attributes_are_those_of_the_rows(client: TestClient, fares: Planted) -> None:
    body = report(client, fares)
    words = sorted([5, 6, 7, 8, 9, 5])
    asked = body["question_words"]
    assert (asked["p5"], asked["p50"], asked["p95"], asked["longest"]) == (5, 6, 9, 9)
    assert asked["mean"] == round(sum(words) / 6, 1)
    assert sum(found["accepted"] for found in asked["bins"]) == 6
    assert body["kinds"] == [
        {"name": "original", "accepted": 5, "dropped": 4},
        {"name": "evolved", "accepted": 1, "dropped": 0},
    ]
    assert body["evolutions"] == [{"name": "deepen", "accepted": 1, "dropped": 0}]
    attributes = {name: {row["name"]: row["accepted"] for row in rows} for name, rows in body["attributes"].items()}
    assert attributes == {
        "type": {"price": 4, "rule": 1},
        "hops": {"0": 2, "1": 2, "2": 1},
        "quotes": {"0 items": 1, "1 item": 1, "2 items": 1, "3 items": 1, "4 items": 1},
    }


def test_cost_is_the_ledgers(client: TestClient, fares: Planted) -> None:
    cost = report(client, fares)["cost"]
    assert (cost["calls"], cost["prompt_tokens"], cost["cached_tokens"]) == (5, 3500, 2000)
    assert cost["prefix_cache_share"] == round(2000 / 3500, 4)
    assert cost["tokens_per_accepted_row"] == round((3500 + 210) / 6, 2)
    steps = {step["step"]: step for step in cost["steps"]}
    assert (steps["ask"]["calls"], steps["ask"]["prompt_tokens"], steps["ask"]["completion_tokens"]) == (2, 2000, 120)
    assert (steps["answer"]["cached_tokens"], steps["answer"]["calls_per_accepted_row"]) == (1200, 0.5)
    for name in ("calls", "prompt_tokens", "cached_tokens", "completion_tokens"):
        assert sum(step[name] for step in cost["steps"]) == cost[name]


def test_rounds_prompts_languages_and_coverage_are_told(client: TestClient, fares: Planted) -> None:
    body = report(client, fares)
    assert [(r["round"], r["units"], r["accepted"], r["dropped"]) for r in body["rounds"]] == [
        (0, 1, 5, 0),
        (1, 1, 1, 4),
    ]
    prompts = {(prompt["prompt"], prompt["sha256"]): prompt["rows"] for prompt in body["prompts"]}
    assert prompts == dict.fromkeys(planted.PROMPTS.items(), 10)
    assert body["models"] == [{"role": "generator", "model": "fake", "rows": 10}]
    assert body["languages"]["wanted"] == [{"language": "en", "rows": 6}]
    assert body["languages"]["sampled"] == sum(found["rows"] for found in body["languages"]["detected"]) == 6
    totals = client.get(f"/v1/corpora/{fares.corpus_id}/coverage?dataset={fares.dataset_id}").json()["totals"]
    assert body["coverage"]["totals"] == totals
    least = body["coverage"]["least"]
    assert [section["section"] for section in least] == ["Rules", "Fares"]
    assert (least[0]["share"], least[0]["rows"], least[1]["rows"]) == (0.0, 0, 6)


def test_rows_in_another_language_are_noticed(client: TestClient) -> None:
    client.get("/v1/corpora")
    found = planted.corpus("default", {"fares.md": TEXT})
    russian = "Паром уходит из гавани в семь часов утра и берёт на борт сорок машин."
    wanted = [{"question": russian, "answer": russian}, {"question": "When does the ferry leave the harbour today?"}]
    planted.rows("default", found, wanted, language="en")
    languages = report(client, found)["languages"]
    assert {row["language"]: row["rows"] for row in languages["detected"]} == {"ru": 1, "en": 1}
    assert languages["different"] == 1


def test_a_dataset_without_rows_has_a_report_and_a_page(client: TestClient) -> None:
    client.get("/v1/corpora")
    found = planted.corpus("default", {"fares.md": TEXT})
    body = report(client, found)
    assert (body["accepted"], body["drops"], body["question_words"]["p50"]) == (0, [], None)
    assert client.get(f"/v1/datasets/{found.dataset_id}/report.html").status_code == 200


def stored(dataset_id: str) -> Report | None:
    with reading() as session:
        return session.get(Report, dataset_id)


def test_the_report_of_an_ended_dataset_is_computed_once_and_stored(client: TestClient, fares: Planted) -> None:
    service.store(fares.dataset_id)
    kept = stored(fares.dataset_id)
    assert kept is not None
    first, second = report(client, fares), report(client, fares)
    assert first == second and first["final"]
    service.store(fares.dataset_id)
    again = stored(fares.dataset_id)
    assert again is not None and again.created_at == kept.created_at


def test_a_dataset_that_changed_after_its_end_gets_a_new_report(client: TestClient, fares: Planted) -> None:
    assert report(client, fares)["accepted"] == 6
    planted.rows("default", fares, [{"question": "One more?"}])
    assert report(client, fares)["accepted"] == 7


def test_a_stored_report_that_is_lost_is_computed_again(client: TestClient, fares: Planted) -> None:
    service.store(fares.dataset_id)
    kept = stored(fares.dataset_id)
    assert kept is not None
    store = storage.storage()
    assert isinstance(store, storage.Folder)
    store.path(kept.sha256).unlink()
    assert report(client, fares)["accepted"] == 6


def test_a_dataset_that_goes_on_is_reported_on_and_nothing_is_stored(client: TestClient, fares: Planted) -> None:
    with transaction() as session:
        session.get_one(Dataset, fares.dataset_id).status = "generating"
    body = report(client, fares)
    assert (body["final"], body["accepted"]) == (False, 6)
    service.store(fares.dataset_id)
    assert stored(fares.dataset_id) is None


def test_strangers_get_404(client: TestClient, tenants: dict[str, dict[str, str]]) -> None:
    found = planted.corpus("ours", {"fares.md": TEXT})
    for path in (
        f"/v1/datasets/{found.dataset_id}/report",
        f"/v1/datasets/{found.dataset_id}/report.html",
        f"/v1/corpora/{found.corpus_id}/fertility",
    ):
        assert client.get(path, headers=tenants["theirs"]).status_code == 404
        assert client.get(path, headers=tenants["ours"]).status_code == 200, path


VOID = ("meta", "br", "img", "input", "link", "hr")


class Elements(HTMLParser):
    """Every element with its attributes, the text of the page, and what was left open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.open = "", list[str]()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "footer", "h1", "h2", "h3", "p", "span", "bdi"),
    *("dl", "div", "dt", "dd", "small", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "strong"),
    *("section", "br", "svg", "rect", "line", "text"),
}


def hostile(client: TestClient) -> tuple[str, Any]:
    """The page of a dataset whose every text is hostile, and the reply."""
    client.get("/v1/corpora")
    texts = {
        f"{i}</title><script>x.md": f"# {text}\n\n{text}\n".replace("\ud83d", "") for i, text in enumerate(HOSTILE)
    }
    found = planted.corpus("default", texts)
    clean = [text.replace("\ud83d", "").replace("\x00", "\x01") for text in HOSTILE]
    rows = [
        {"question": text, "answer": text, "state": state, "reason": reason, "detail": text, "kind": text[:20],
         "evolution": text[:60], "attributes": {text[:60]: text[:60]},
         "lineage": {"prompts": {text[:40]: text[:40]}, "models": {text[:40]: text[:40]}},
         "verdicts": [{"metric": text[:20], "score": 1.0, "reason": text, "passed": True}]}
        for text in clean
        for state, reason in (("accepted", None), ("dropped", text[:60]))
    ]  # fmt: skip
    planted.rows("default", found, rows, language="en")
    with transaction() as session:
        dataset = session.get_one(Dataset, found.dataset_id)
        dataset.name, dataset.shortfall, dataset.spec = clean[0], clean[1], {**dataset.spec, "model": clean[4]}
    reply = client.get(f"/v1/datasets/{found.dataset_id}/report.html")
    assert reply.status_code == 200, reply.text
    return reply.text, reply


def test_whatever_rows_say_stays_text(client: TestClient) -> None:
    source, _ = hostile(client)
    elements = Elements(source)
    assert elements.open == []
    assert {tag for tag, _ in elements.found} <= ALLOWED
    for tag, attributes in elements.found:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "href", "src")], tag
    for text in (HOSTILE[0], HOSTILE[1], HOSTILE[4], HOSTILE[6], HOSTILE[3]):
        assert text in elements.text
    assert "\u202e" not in source and "\x1b" not in source
    assert max(map(len, elements.text.split())) < 2_000


def test_the_page_asks_for_nothing_and_its_policy_allows_only_its_own_style(client: TestClient) -> None:
    source, reply = hostile(client)
    assert "http:" not in source and "https:" not in source and "url(" not in source and "@import" not in source
    (style,) = [part.split("</style>")[0] for part in source.split("<style>")[1:]]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    header = reply.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}'" in header and "default-src 'none'" in header
    (meta,) = [
        attributes["content"]
        for tag, attributes in Elements(source).found
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert meta == page.policy() and header.startswith(page.policy())
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_the_page_has_the_numbers_of_the_report(client: TestClient, fares: Planted) -> None:
    elements = Elements(client.get(f"/v1/datasets/{fares.dataset_id}/report.html").text)
    text = " ".join(elements.text.split())
    for shown in ("not_faithful", "detail 2", "57.1 %", "gate 4", "Rules", "ask/grounded@1", "a" * 64, "618.33"):
        assert shown in text
    bars = [attributes for tag, attributes in elements.found if tag == "rect" and attributes["class"] == "dropped"]
    assert bars


def test_a_whole_service_stores_the_report_by_itself(made: Made) -> None:
    path = f"/v1/datasets/{made.dataset_id}/report"
    body = made.service.ok(made.service.http.get(path))
    dataset = made.service.get(made.dataset_id)
    samples = made.service.samples(made.dataset_id)
    assert body["accepted"] == dataset["accepted"] == sum(sample["state"] == "accepted" for sample in samples)
    assert {drop["reason"]: drop["rows"] for drop in body["drops"]} == dataset["dropped"]
    assert sum(step["calls"] for step in body["cost"]["steps"]) == dataset["usage"]["calls"]
    found = made.service.ok(made.service.http.get(f"/v1/datasets/{made.dataset_id}/verification"))
    assert found["located"] == found["spans"] > 0
    assert 0 < body["coverage"]["totals"]["share"] <= 1
    assert ReportRead.model_validate(body).final


# Fertility


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """One token for each of a few words, an unknown one for all others."""
    words = {"[UNK]": 0, "the": 1, "ferry": 2, "leaves": 3}
    made = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_unknown_tokens_and_words_are_counted_by_group(tokenizer: Path) -> None:
    loaded = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    pieces = [
        fertility.Piece("en", "LATIN", "the ferry leaves"),
        fertility.Piece("en", "LATIN", "the other"),
        fertility.Piece("ru", "CYRILLIC", "паром ушёл"),
    ]
    measured = fertility.measure(loaded, pieces)
    assert measured.groups["en", "LATIN"] == fertility.Count(2, 5, 25, 5, 1, 0)
    assert measured.groups["ru", "CYRILLIC"] == fertility.Count(1, 2, 10, 2, 2, 0)
    assert (measured.longer_than(2), measured.length(0.5)) == (1, 2)


def test_bytes_of_characters_without_a_token_are_counted() -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    measured = fertility.measure(made, [fertility.Piece("", "LATIN", "ab я €")])
    assert measured.groups["", "LATIN"] == fertility.Count(1, 3, 6, 9, 0, 5)  # я is two bytes, € three


def test_a_dear_language_is_warned_of(client: TestClient, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    (tmp_path / "bytes").mkdir()
    made.save(str(tmp_path / "bytes" / "tokenizer.json"))
    with_names = {"bytes": str(tmp_path / "bytes"), "lost": str(tmp_path / "nothing")}
    environment.setenv("CORPUSMITH_TOKENIZERS", json.dumps(with_names))
    environment.setenv("CORPUSMITH_CACHE_DIR", str(tmp_path / "cache"))
    settings.cache_clear()
    client.get("/v1/corpora")
    english, russian = "The ferry leaves at seven. " * 60, "Отправление парома происходит ежедневно. " * 60
    texts = {"en.md": english, "ru.md": russian}
    found = planted.corpus("default", texts, {"en.md": "en", "ru.md": "ru"})
    body = client.get(f"/v1/corpora/{found.corpus_id}/fertility", params={"model": "bytes", "max_length": 2000}).json()
    entry, lost = body["tokenizers"]
    groups = {group["language"]: group for group in entry["groups"]}
    assert groups["en"]["tokens"] == len(english.encode()) and groups["ru"]["tokens"] == len(russian.encode())
    assert groups["ru"]["tokens_per_word"] == round(len(russian.encode()) / len(russian.split()), 3)
    assert groups["ru"]["byte_share"] == pytest.approx(
        2 * sum(c.isalpha() for c in russian) / len(russian.encode()), 1e-3
    )
    assert groups["en"]["byte_share"] == 0
    assert entry["base"] and entry["cut"] == 1 and not body["sampled"]
    assert any("bytes: ru in CYRILLIC takes" in warning for warning in body["warnings"])
    assert lost["error"].startswith("cannot be read")
    refused = client.get(f"/v1/corpora/{found.corpus_id}/fertility", params={"model": "other"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "model")


def test_a_large_corpus_is_sampled_evenly() -> None:
    sizes = [corpus.Size(f"d{i}", size) for i, size in enumerate([1_000, 500_000, 0, 3, 2_000_000, 499_000])]
    found = corpus.places(sizes, 400_000)
    starts = {size.id: found.get(size.id, []) for size in sizes}
    assert sum(map(len, starts.values())) == pytest.approx(100, abs=2)
    assert len(starts["d4"]) == pytest.approx(100 * 2 / 3, abs=2)
    for size in sizes:
        assert all(0 <= start < size.characters for start in starts[size.id])
    everything = corpus.places(sizes[:2], 1_000_000)
    assert everything == {"d0": [0], "d1": list(range(0, 500_000, corpus.PIECE))}


def test_percentiles_and_bins_are_those_of_the_sorted_values() -> None:
    values = [float(i * i % 97) for i in range(500)]
    split = counting.Split()
    for i, value in enumerate(values):
        split.add(value, accepted=i % 3 == 0)
    ordered = sorted(values)
    both = counting.merged((split.accepted, split.dropped))
    for share in (0.05, 0.5, 0.95, 1.0):
        assert counting.percentile(both, share) == ordered[max(0, -(-int(share * 500 * 100) // 100) - 1)]
    bins = split.bins(0, 100)
    assert len(bins) == counting.BARS and (bins[0].low, bins[-1].high) == (0, 100)
    for found in bins:
        inside = [i for i, value in enumerate(values) if found.low <= value < found.high]
        assert found.accepted == sum(i % 3 == 0 for i in inside)
        assert found.accepted + found.dropped == len(inside)
