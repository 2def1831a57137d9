"""Exports as `curl`, `datasets` and anything else that speaks HTTP downloads them: whole, in part, provably right."""

import base64
import json
import subprocess
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import catalog, storage
from app.conditional import byte_range, matches
from app.errors import RangeNotSatisfiable
from app.models import Document
from tests.api.conftest import Made

Json = dict[str, Any]
FILES = ("data.jsonl", "train.jsonl", "validation.jsonl", "manifest.json")


@pytest.fixture(scope="module")
def export(made: Made) -> Json:
    found = made.service.exported(made.dataset_id, format="messages")
    assert found["status"] == "succeeded", found
    return found


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest, made: Made, export: Json) -> tuple[str, bytes]:
    """Address and bytes of each file in turn."""
    url = export["files"][request.param]["url"]
    return url, made.service.http.get(url).content


def test_what_is_downloaded_is_what_the_export_says(made: Made, export: Json, file: tuple[str, bytes]) -> None:
    url, data = file
    said = export["files"][url.rsplit("/", 1)[1]]
    assert (said["bytes"], said["sha256"]) == (len(data), sha256(data).hexdigest())
    if said["rows"] is not None:
        assert said["rows"] == data.count(b"\n") > 0
        for line in data.splitlines():
            json.loads(line)


def test_head_and_get_say_the_same_and_head_sends_no_body(made: Made, file: tuple[str, bytes]) -> None:
    url, data = file
    head, get = made.service.http.head(url), made.service.http.get(url, headers={"Accept-Encoding": "gzip, br"})
    assert (head.status_code, get.status_code) == (200, 200)
    assert head.content == b"" and get.content == data
    of_get, of_head = (
        {name: value for name, value in reply.headers.items() if name not in ("date", "x-request-id")}
        for reply in (get, head)
    )
    assert of_get == of_head
    digest = sha256(data)
    assert head.headers["content-length"] == str(len(data))
    assert head.headers["etag"] == f'"{digest.hexdigest()}"'
    assert head.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert head.headers["accept-ranges"] == "bytes"
    assert head.headers["cache-control"] == "private, no-transform"
    assert head.headers["x-content-type-options"] == "nosniff"
    assert head.headers["content-type"] == ("application/json" if url.endswith(".json") else "application/jsonl")
    assert head.headers["content-disposition"].startswith("attachment; filename*=UTF-8''exp_")
    assert "content-encoding" not in get.headers
    parsedate_to_datetime(head.headers["last-modified"])


def test_a_range_gives_exactly_that_part(made: Made, file: tuple[str, bytes]) -> None:
    url, data = file
    size = len(data)
    for spec, part in (
        ("bytes=0-0", data[:1]),
        ("bytes=10-99", data[10:100]),
        ("bytes=100-", data[100:]),
        (f"bytes={size - 1}-", data[-1:]),
        (f"bytes=5-{size + 1000}", data[5:]),
        ("bytes=-7", data[-7:]),
        (f"bytes=-{size + 5}", data),
    ):
        reply = made.service.http.get(url, headers={"Range": spec})
        assert reply.status_code == 206, spec
        assert reply.content == part
        start = data.find(part) if len(part) > 20 else size - len(part) if spec != "bytes=0-0" else 0
        assert reply.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{size}"
        assert reply.headers["content-length"] == str(len(part))


def test_a_range_outside_of_the_file_is_416_with_its_size(made: Made, file: tuple[str, bytes]) -> None:
    url, data = file
    for spec in (f"bytes={len(data)}-", "bytes=99999999999-", "bytes=-0"):
        reply = made.service.http.get(url, headers={"Range": spec})
        assert (reply.status_code, reply.json()["error"]["code"]) == (416, "range_not_satisfiable")
        assert reply.headers["content-range"] == f"bytes */{len(data)}"


def test_ranges_that_are_none_several_or_asked_of_head_give_the_whole(made: Made, file: tuple[str, bytes]) -> None:
    url, data = file
    for spec in (
        "bytes=9-5",
        "bytes=-",
        "bytes=a-b",
        "lines=1-2",
        "bytes=0-1,3-4",
        "bytes=0-" + "9" * 5000,
        "bytes = 0-1",
    ):
        reply = made.service.http.get(url, headers={"Range": spec})
        assert (reply.status_code, reply.content) == (200, data), spec
    head = made.service.http.head(url, headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(data)))


def test_conditions_on_the_etag_hold(made: Made, file: tuple[str, bytes]) -> None:
    url, data = file
    etag = f'"{sha256(data).hexdigest()}"'
    get = made.service.http.get
    part = get(url, headers={"Range": "bytes=0-9", "If-Range": etag})
    assert (part.status_code, part.content) == (206, data[:10])
    for other in ('"other"', f"W/{etag}", "Tue, 24 Nov 2026 10:00:00 GMT"):
        whole = get(url, headers={"Range": "bytes=0-9", "If-Range": other})
        assert (whole.status_code, whole.content) == (200, data)
    for known in (etag, f'"a", {etag}', f"W/{etag}", "*"):
        same = get(url, headers={"If-None-Match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_train_and_validation_one_behind_the_other_are_the_data(made: Made, export: Json) -> None:
    data, train, validation, _ = (made.service.http.get(export["files"][name]["url"]).content for name in FILES)
    assert train and validation
    assert train + validation == data


def test_the_manifest_counts_what_is_there(made: Made, export: Json) -> None:
    manifest = made.service.http.get(export["files"]["manifest.json"]["url"]).json()
    samples = made.service.samples(made.dataset_id)
    accepted = [sample for sample in samples if sample["state"] == "accepted"]
    counts = manifest["counts"]
    assert counts["rows"] == len(accepted) == export["rows"]
    for split in ("train", "validation"):
        assert counts[split] == sum(sample["split"] == split for sample in accepted)
    for kind in ("original", "evolved"):
        assert counts[kind] == sum(sample["kind"] == kind for sample in accepted)
    assert sum(manifest["dropped"].values()) == len(samples) - len(accepted)
    dataset = made.service.get(made.dataset_id)
    assert manifest["dropped"] == dataset["dropped"]
    assert manifest["usage"] == dataset["usage"]
    assert manifest["dataset"]["spec"] == dataset["spec"]
    for name in FILES[:3]:
        assert manifest["files"][name] == {key: export["files"][name][key] for key in ("bytes", "sha256", "rows")}


@pytest.mark.parametrize(
    "name", [n for n in sorted(catalog.FORMATS) if catalog.FORMATS[n].holds("grounded_qa", "chat")]
)
def test_every_format_loads_with_datasets_over_http(
    made: Made, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    export = made.service.exported(made.dataset_id, format=name)
    urls = {
        split: f"{made.service.http.base_url}{export['files'][f'{split}.jsonl']['url']}"
        for split in ("train", "validation")
    }
    found = datasets.load_dataset("json", data_files=urls, cache_dir=str(tmp_path))
    for split, url in urls.items():
        lines = [json.loads(line) for line in made.service.http.get(url).text.splitlines()]
        assert found[split].num_rows == export["files"][f"{split}.jsonl"]["rows"] == len(lines)
        assert list(found[split]) == lines
    asked = {sample["question"] for sample in made.service.samples(made.dataset_id, state="accepted")}
    text = made.service.http.get(export["files"]["data.jsonl"]["url"]).text
    assert all(json.dumps(question, ensure_ascii=False)[1:-1] in text for question in asked)


def test_the_same_rows_always_give_the_same_bytes(made: Made, export: Json) -> None:
    again = made.service.exported(made.dataset_id, format="messages")
    assert again["id"] != export["id"]
    assert again["files"]["data.jsonl"]["sha256"] == export["files"]["data.jsonl"]["sha256"]


def test_curl_goes_on_where_a_download_broke_off(made: Made, export: Json, tmp_path: Path) -> None:
    url = f"{made.service.http.base_url}{export['files']['data.jsonl']['url']}"
    data, file = httpx.get(url, trust_env=False).content, tmp_path / "data.jsonl"
    file.write_bytes(data[: len(data) // 3])
    command = [
        "curl",
        "-sS",
        "--fail",
        "--noproxy",
        "*",
        "-C",
        "-",
        "-o",
        str(file),
        "-w",
        "%{http_code} %{size_download}",
    ]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    assert done.stdout == f"206 {len(data) - len(data) // 3}"
    assert file.read_bytes() == data


def test_every_source_of_every_row_can_be_cut_out_of_the_stored_text_again(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = made.service.exported(made.dataset_id, format="alpaca", include_sources=True)
    rows = [json.loads(line) for line in made.service.http.get(export["files"]["data.jsonl"]["url"]).text.splitlines()]
    texts = {document_id: text for document_id, text in stored_texts(made)}
    assert rows
    for row in rows:
        assert row["instruction"] and row["output"]
        assert row["kind"] in ("original", "evolved")
        assert row["sources"] and row["scores"]["faithfulness"] >= 4
        for span in row["sources"]:
            cut = texts[span["document_id"]][span["start"] : span["end"]]
            assert sha256(cut.encode()).hexdigest() == span["sha256"]
            assert cut == span["quote"] or span["score"] < 100
            assert span["document_name"] == "паромы.md"
    asked = {sample["id"]: sample["question"] for sample in made.service.samples(made.dataset_id)}
    assert {row["sample_id"]: row["instruction"] for row in rows}.items() <= asked.items()


def stored_texts(made: Made) -> Iterator[tuple[str, str]]:
    """Id and stored text of each document."""
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from app.db import make_engine

    store = storage.Folder(made.service.folder / "blobs")
    engine = make_engine(made.service.database_url)
    with Session(engine) as session:
        for document in session.scalars(select(Document)):
            yield document.id, b"".join(store.read(document.text_sha256 or "")).decode()
    engine.dispose()


def test_files_that_are_none_are_refused(made: Made, export: Json) -> None:
    for path, status in (
        ("passwd", 422),
        ("..%2fmanifest.json", 404),
        ("data.jsonl/x", 404),
        ("DATA.jsonl", 422),
        ("data.parquet", 404),
    ):
        assert made.service.http.get(f"/v1/exports/{export['id']}/{path}").status_code == status


def test_an_empty_file_has_no_range_and_odd_headers_are_passed_over() -> None:
    assert byte_range(None, None, '"x"', 0) is None
    with pytest.raises(RangeNotSatisfiable):
        byte_range("bytes=0-", None, '"x"', 0)
    assert byte_range("bytes=1-2\n", None, '"x"', 9) == (1, 3)
    assert not matches(None, '"x"') and not matches("", '"x"') and not matches("x", '"x"')
