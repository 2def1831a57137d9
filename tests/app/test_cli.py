"""The command line, against a real API process and against a service that is scripted to misbehave."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner, Result

from app import migrate
from app.cli import app
from app.cli import export as exporting
from app.cli import watch as watching
from tests.fakes.process import FakeModel
from tests.nursery import ROOT
from tests.service import Service

NOWHERE = "http://127.0.0.1:9"
Script = Callable[[dict[str, str]], tuple[int, dict[str, str], bytes, int]]


@contextmanager
def api(folder: Path) -> Iterator[Service]:
    """A real API on a real database; no workers, so nothing is ever parsed."""
    found = Service(folder, model_url=f"{NOWHERE}/v1")
    with found.http:
        try:
            migrate.upgrade(found.database_url)
            found.start("api")
            yield found
        finally:
            found.kill()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with api(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CORPUSMITH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CORPUSMITH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(exporting, "POLL_SECONDS", 0.02)


def run(url: str, *arguments: str) -> Result:
    return CliRunner(env={"CORPUSMITH_URL": url}).invoke(app, arguments)


def base(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


def shell(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli", *arguments]
    return subprocess.run(command, env=os.environ | env, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_folders_files_and_zips_become_documents(service: Service, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a b?#.md").write_text("one")
    (folder / ".hidden").write_text("no")
    (folder / "empty.txt").touch()
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("in/zip.md", "two")
    (tmp_path / "три.md").write_text("три")
    arguments = ("upload", str(folder), str(tmp_path / "more.zip"), str(tmp_path / "три.md"), "--no-wait", "--json")
    result = run(base(service), *arguments, "--name", "mixed")
    assert result.exit_code == 0, result.stderr
    made = json.loads(result.stdout)
    documents = {document["name"]: document["id"] for document in made["documents"]}
    assert documents.keys() == {"papers/deep/a b?#.md", "papers/empty.txt", "in/zip.md", "три.md"}
    again = json.loads(run(base(service), *arguments, "--corpus", made["corpus_id"]).stdout)
    assert {document["name"]: document["id"] for document in again["documents"]} == documents


def test_a_refused_file_is_named_and_the_others_are_uploaded(service: Service, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK no zip")
    (tmp_path / "good.md").write_text("good")
    result = run(base(service), "upload", "bad.zip", "good.md", "--no-wait", "--json")
    assert result.exit_code == 4
    made = json.loads(result.stdout)
    assert [(file["name"], file["code"]) for file in made["refused"]] == [("bad.zip", "archive_refused")]
    assert [document["name"] for document in made["documents"]] == ["good.md"]


def test_lists_go_on_beyond_one_page_and_the_catalogue_shows_what_can_be_chosen(service: Service) -> None:
    for number in range(103):
        service.ok(service.http.post("/v1/corpora", json={"name": f"many {number}"}))
    found = json.loads(run(base(service), "corpora", "--limit", "102", "--json").stdout)
    assert [corpus["name"] for corpus in found] == [f"many {number}" for number in range(102, 0, -1)]
    shown = run(base(service), "catalog").stdout
    assert all(word in shown for word in ("grounded_qa", "questions_per_context", "faithfulness", "alpaca", "deepen"))


def test_a_dataset_is_asked_for_with_all_that_was_given_and_cancelled(service: Service) -> None:
    corpus_id = service.corpus({"a.md": b"text"})
    types = '--option question_types={"single_hop":3,"unanswerable":1}'
    options = (
        f'--rows 5 --option evolutions=["deepen"] {types} --gate usefulness=0 --language ru --seed 7 --chunk-size 900'
    )
    arguments = f"{options} --splitter recursive --chunks-per-context 2 --no-watch --json".split()
    result = run(base(service), "generate", corpus_id, *arguments)
    assert result.exit_code == 0, result.stderr
    dataset = json.loads(result.stdout)
    spec = dataset["spec"]
    assert (spec["rows"], spec["seed"], spec["language"], spec["gates"]["usefulness"]) == (5, 7, "ru", 0)
    assert spec["options"]["question_types"] == {"single_hop": 3, "unanswerable": 1}
    chosen = (spec["options"]["evolutions"], spec["grouping"]["chunks_per_context"], spec["chunking"]["size"])
    assert (*chosen, spec["chunking"]["splitter"]) == (["deepen"], 2, 900, "recursive")
    assert dataset["id"] in run(base(service), "datasets", "--corpus", corpus_id).stdout
    assert "wrong_state" in run(base(service), "pause", dataset["id"]).stderr
    assert run(base(service), "cancel", dataset["id"]).exit_code == 0
    assert run(base(service), "watch", dataset["id"]).exit_code == 5, "a cancelled dataset has an exit code of its own"


def test_a_refusal_names_code_field_and_request(service: Service) -> None:
    corpus_id = service.corpus({"a.md": b"text"})
    result = run(base(service), "generate", corpus_id, "--option", "nope=1", "--json")
    assert result.exit_code == 4
    error = json.loads(result.stdout)["error"]
    assert (error["code"], error["param"]) == ("invalid_request", "options.nope")
    assert error["request_id"] in result.stderr and result.stderr.count("\n") == 1
    empty = run(base(service), "generate", service.corpus({}))
    assert (empty.exit_code, "empty_corpus" in empty.stderr) == (4, True)
    assert run(base(service), "samples", "../../healthz").exit_code == 4, "an id stays one segment of the path"


def test_wrong_use_exits_2(service: Service, tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "readme.md").touch()
    result = run(base(service), "upload", "a/readme.md", "b/readme.md")
    assert (result.exit_code, "would both be 'readme.md'" in result.stderr) == (2, True)
    assert run("ftp://somewhere", "corpora").exit_code == 2
    for wrong in (["generate", "crp_x", "--option", "no-equals-sign"], ["uplaod"], ["upload", "/nonexistent"]):
        assert run(base(service), *wrong).exit_code == 2


def test_a_service_that_is_not_there_or_is_none_of_ours_exits_3(scripted: "Scripted") -> None:
    result = run(NOWHERE, "corpora", "--json")
    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (3, "unreachable")
    assert result.stderr.count("\n") == 1
    scripted.scripts["/v1/corpora"] = [lambda _: (200, {}, b"<html>", 6)]
    assert run(scripted.url, "corpora").exit_code == 3


def test_the_running_stack_of_the_data_directory_is_found(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "run").mkdir(parents=True)
    up = {"pid": os.getpid(), "started": psutil.Process().create_time(), "url": base(service)}
    (tmp_path / "data" / "run" / "up.json").write_text(json.dumps(up))
    assert run("", "corpora").exit_code == 0
    monkeypatch.setenv("CORPUSMITH_PORT", "not-a-port")
    assert run("", "corpora").exit_code == 2
    assert run(base(service), "corpora").exit_code == 0, "and not read when --url is given"


def test_keys_open_the_service_to_those_who_have_one(tmp_path: Path) -> None:
    early = shell("keys", "list")
    assert (early.returncode, "corpusmith migrate" in early.stderr) == (3, True)
    assert shell("migrate").returncode == 0 and shell("keys", "list").returncode == 0
    with api(tmp_path) as found:
        env = found.env | {"CORPUSMITH_URL": base(found), "CORPUSMITH_API_KEY": "x"}
        made = json.loads(shell("keys", "create", "ci", "--tenant", "docs", "--json", **env).stdout)
        assert "unauthorized" in run(base(found), "corpora").stderr
        assert run(base(found), "corpora", "--api-key", made["secret"]).exit_code == 0
        assert made["secret"] not in shell("keys", "list", "--json", **env).stdout
        assert shell("keys", "revoke", "key_nope", **env).returncode == 4
        assert shell("keys", "revoke", made["id"], **env).returncode == 0


def test_importing_the_command_line_is_cheap() -> None:
    code = "import sys, app.cli.watch, app.cli.upload, app.cli.export; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "celery", "fastapi", "app.db", "app.stack.up"} & set(done.stdout.split())


@dataclass
class Scripted:
    """Answers each path by its scripts in turn, the last one for ever; `seen` holds the headers of every request."""

    scripts: dict[str, list[Script]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def asked(self, path: str) -> list[dict[str, str]]:
        return [headers for where, headers in self.seen if where == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        headers = {name.lower(): value for name, value in handler.headers.items()}
        handler.rfile.read(int(headers.get("content-length", "0")))
        self.seen.append((path, headers))
        scripts = self.scripts[path]
        status, extra, body, sent = (scripts.pop(0) if len(scripts) > 1 else scripts[0])(headers)
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **extra}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body[:sent])


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    found = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Not on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield found
        server.shutdown()


def says(value: Any, status: int = 200, **headers: str) -> Script:
    body = json.dumps(value).encode()
    return lambda _: (status, headers, body, len(body))


def dataset(status: str, **more: Any) -> dict[str, Any]:
    usage = dict.fromkeys(("calls", "replayed_calls", "prompt_tokens", "cached_tokens", "completion_tokens"), 3)
    return {
        "id": "dst_1", "name": "ferries", "status": status, "waiting": None, "error": None, "shortfall": None,
        "rows_wanted": 4, "accepted": 2, "dropped": {"no_source": 1}, "units": {"total": 2, "done": 1, "failed": 0},
        "usage": usage, "expected_calls": 22, "estimated_finish": "2020-01-01T00:00:00Z", **more,
    }  # fmt: skip


def with_etag(value: Any, etag: str) -> Script:
    def script(headers: dict[str, str]) -> tuple[int, dict[str, str], bytes, int]:
        known = headers.get("if-none-match") == etag
        return (304, {"ETag": etag}, b"", 0) if known else says(value, ETag=etag)(headers)

    return script


def test_watching_asks_only_for_what_changed_and_prints_plain_lines(scripted: Scripted) -> None:
    waits = with_etag(dataset("generating", waiting="waiting_for_model: refused"), '"1"')
    scripted.scripts["/v1/datasets/dst_1"] = [waits, waits, waits, with_etag(dataset("succeeded"), '"2"')]
    result = run(scripted.url, "watch", "dst_1")
    assert result.exit_code == 0, result.stderr
    tags = [headers.get("if-none-match") for headers in scripted.asked("/v1/datasets/dst_1")]
    assert tags == [None, '"1"', '"1"', '"1"']
    assert "waits: waiting_for_model: refused" in result.stderr and "no_source 1" in result.stderr
    assert "\x1b" not in result.output and len(result.stderr.splitlines()) == 2


def test_watching_outlives_a_service_that_restarts(scripted: Scripted) -> None:
    broken, busy = says({}, 200, **{"Content-Length": "100"}), says({"detail": "x"}, 503)
    scripted.scripts["/v1/datasets/dst_1"] = [says(dataset("generating")), broken, busy, says(dataset("succeeded"))]
    assert run(scripted.url, "watch", "dst_1").exit_code == 0


def test_a_failed_dataset_exits_1_and_says_why(scripted: Scripted) -> None:
    failed = dataset("failed", error={"code": "no_rows", "message": "no row passed"}, accepted=0)
    scripted.scripts["/v1/datasets/dst_1"] = [says(failed)]
    result = run(scripted.url, "watch", "dst_1", "--json")
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (1, "failed")
    assert "no row passed (no_rows)" in result.stderr


def test_interrupting_leaves_the_job_alone_and_says_how_to_see_it_again(scripted: Scripted) -> None:
    scripted.scripts["/v1/datasets/dst_1"] = [says(dataset("generating"))]
    command = [sys.executable, "-m", "app.cli", "watch", "dst_1", "--url", scripted.url]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr and process.stderr.readline().startswith("generating")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "corpusmith watch dst_1" in said and "Traceback" not in said


def test_rows_are_shown_with_their_source_and_without_control_codes(scripted: Scripted) -> None:
    span = {"document_name": "handbook.pdf", "page": 2, "start": 120, "end": 180}
    row = {"question": "When\x1b[2J?", "answer": "07:40", "state": "accepted", "kind": "original", "sources": [span]}
    scripted.scripts["/v1/datasets/dst_1/samples"] = [says({"data": [row], "has_more": False, "last_id": "1"})]
    shown = run(scripted.url, "samples", "dst_1").stdout
    assert "handbook.pdf, page 2, characters 120-180" in shown and "\x1b" not in shown


ROWS = b"".join(json.dumps({"messages": [n]}).encode() + b"\n" for n in range(5000))
SHA = hashlib.sha256(ROWS).hexdigest()
NAME = "dst_1-messages.jsonl"


def serve_export(scripted: Scripted, *downloads: Script, status: str = "succeeded", rows: int = 5000) -> None:
    folder, manifest = "/v1/exports/exp_1", hashlib.sha256(b"{}").hexdigest()
    files = {
        "data.jsonl": {"url": f"{folder}/data.jsonl", "bytes": len(ROWS), "sha256": SHA, "rows": rows},
        "manifest.json": {"url": f"{folder}/manifest.json", "bytes": 2, "sha256": manifest},
    }
    made: dict[str, Any] = {"id": "exp_1", "dataset_id": "dst_1", "format": "messages", "options": {}, "error": None}
    ended = made | {"status": status, "files": files}
    scripted.scripts |= {
        "/v1/datasets/dst_1/exports": [says(made | {"status": "queued"}, 201)],
        folder: [says(made | {"status": "running"}), says(ended)],
        f"{folder}/data.jsonl": list(downloads),
        f"{folder}/manifest.json": [says({})],
    }


def ranged(sent: int = len(ROWS), *, ranges: bool = True, body: bytes = ROWS) -> Script:
    """The file, or what of it was asked for; the connection breaks after `sent` bytes."""

    def script(headers: dict[str, str]) -> tuple[int, dict[str, str], bytes, int]:
        wanted = headers.get("range")
        if not ranges or not wanted or headers.get("if-range") != f'"{SHA}"':
            return 200, {}, body, sent
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        return 206, {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}, body[start:], sent

    return script


def test_a_broken_download_goes_on_where_it_broke_off(scripted: Scripted, tmp_path: Path) -> None:
    serve_export(scripted, ranged(30_000), ranged(20_000), ranged())
    result = run(scripted.url, "export", "dst_1", "--output", "out")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == f"out/{NAME}" and (tmp_path / "out" / NAME).read_bytes() == ROWS
    ranges = [headers.get("range") for headers in scripted.asked("/v1/exports/exp_1/data.jsonl")]
    assert ranges == [None, "bytes=30000-", "bytes=50000-"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [NAME, "dst_1-messages.manifest.json"]
    assert scripted.asked("/v1/datasets/dst_1/exports")[0]["idempotency-key"]
    serve_export(scripted, ranged(30_000), ranged(ranges=False))
    assert run(scripted.url, "export", "dst_1").exit_code == 0, "a server without ranges sends it from the beginning"
    assert (tmp_path / NAME).read_bytes() == ROWS


def test_what_an_interrupted_command_left_is_used_if_it_fits(scripted: Scripted, tmp_path: Path) -> None:
    part = tmp_path / f"{NAME}.part"
    for left, asked in ((ROWS[:1000], ["bytes=1000-"]), (b"other" * 10, ["bytes=50-", None]), (ROWS + b"x", [None])):
        scripted.seen.clear()
        part.write_bytes(left)
        (tmp_path / NAME).unlink(missing_ok=True)
        serve_export(scripted, ranged())
        assert run(scripted.url, "export", "dst_1").exit_code == 0
        assert (tmp_path / NAME).read_bytes() == ROWS
        assert [headers.get("range") for headers in scripted.asked("/v1/exports/exp_1/data.jsonl")] == asked


def test_bytes_that_do_not_match_their_hash_never_get_the_files_name(scripted: Scripted, tmp_path: Path) -> None:
    serve_export(scripted, ranged(body=ROWS.replace(b"7", b"8")))
    result = run(scripted.url, "export", "dst_1")
    assert (result.exit_code, "checksum" in result.stderr) == (1, True)
    assert not (tmp_path / NAME).exists()


def test_an_export_that_failed_or_is_empty_exits_1(scripted: Scripted) -> None:
    for status, rows in (("failed", 5000), ("succeeded", 0)):
        serve_export(scripted, ranged(), status=status, rows=rows)
        assert run(scripted.url, "export", "dst_1").exit_code == 1


def test_the_demo_starts_a_stack_makes_rows_and_leaves_nothing_running(tmp_path: Path) -> None:
    with FakeModel() as fake:
        options = ("--generator-url", fake.url, "--generator-model", "fake", "--output", str(tmp_path / "out"))
        done = shell("demo", *options, "--rows", "4", "--json")
        assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["rows"] == 4 == len(Path(made["path"]).read_text().splitlines())
    assert all(row["sources"] for row in made["accepted"])
    assert "\x1b" not in done.stderr
    assert not any(str(tmp_path) in str(process.info) for process in psutil.process_iter(["cmdline", "environ"]))
