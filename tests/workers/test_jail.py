"""The jail holds whatever a parser does, and goes on with the next document."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.settings import Settings
from workers.parse import Jail, ParseFailed

LIMITS = Settings(parse_cpu_seconds=1, parse_wall_seconds=3, parse_memory_bytes=200 * 1024**2)


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    with Jail(LIMITS, child="tests.workers.rogue") as jail:
        yield jail


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document"
    path.write_bytes(b"content")
    return path


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("loop", "parse_timeout"),
        ("loop-unmoved", "parse_timeout"),
        ("sleep", "parse_timeout"),
        ("close-and-sleep", "parse_timeout"),
        ("allocate", "parse_oom"),
        ("allocate-natively", "parse_oom"),
        ("be-killed", "parse_oom"),
        ("segfault", "parse_crash"),
        ("exit", "parse_crash"),
        ("raise", "parse_crash"),
    ],
)
def test_a_bad_document_fails_with_its_reason_and_the_next_one_is_parsed(
    jail: Jail, document: Path, act: str, reason: str
) -> None:
    with pytest.raises(ParseFailed) as failed:
        jail.parse(document, act)
    assert failed.value.reason == reason
    assert failed.value.detail.endswith(".")
    assert "/" not in failed.value.detail
    assert jail.parse(document, "echo").text == "echo"


def test_what_a_parser_prints_does_not_disturb_the_replies(jail: Jail, document: Path) -> None:
    assert jail.parse(document, "print").text == "printed"
    assert jail.parse(document, "echo").text == "echo"


def test_a_parser_reaches_no_network(jail: Jail, document: Path) -> None:
    assert "done" not in jail.parse(document, "connect").text


def test_a_parser_starts_no_program(jail: Jail, document: Path) -> None:
    assert "done" not in jail.parse(document, "run").text


def test_a_parser_writes_no_file(jail: Jail, document: Path) -> None:
    assert "done" not in jail.parse(document, "write").text


def test_a_parser_reads_neither_other_files_nor_the_environment_of_other_processes(jail: Jail, document: Path) -> None:
    assert "done" not in jail.parse(document, "look-around").text


def test_a_parser_sees_no_secret_in_its_environment(
    monkeypatch: pytest.MonkeyPatch, jail: Jail, document: Path
) -> None:
    monkeypatch.setenv("CORPUSMITH_GENERATOR_API_KEY", "secret")
    with Jail(LIMITS, child="tests.workers.rogue") as fresh:
        assert not {"CORPUSMITH_GENERATOR_API_KEY", "HOME"} & set(fresh.parse(document, "environment").text.split())


@pytest.mark.parametrize("act", ["leave-a-process", "leave-a-session"])
def test_nothing_a_document_started_outlives_it_or_holds_up_its_reply(document: Path, act: str) -> None:
    others = set(psutil.Process().children(recursive=True))
    with Jail(LIMITS, child="tests.workers.rogue") as jail:
        started = time.monotonic()
        assert jail.parse(document, act).text == "left"
        assert time.monotonic() - started < LIMITS.parse_wall_seconds
        (jailed,) = set(psutil.Process().children(recursive=True)) - others
        assert jailed.ppid() == os.getpid()


def test_a_jailed_process_that_dies_is_replaced(document: Path) -> None:
    others = set(psutil.Process().children())
    with Jail(LIMITS, child="tests.workers.rogue") as jail:
        jail.parse(document, "echo")
        (jailed,) = set(psutil.Process().children()) - others
        os.kill(jailed.pid, 9)
        assert jail.parse(document, "echo").text == "echo"
        assert not jailed.is_running()


def test_a_jailed_process_that_cannot_start_is_a_crash_and_not_a_hang(document: Path) -> None:
    with Jail(LIMITS, child="tests.workers.missing") as jail, pytest.raises(ParseFailed, match="parse_crash"):
        jail.parse(document, "echo")


def test_a_closed_jail_leaves_no_process_and_no_descriptor(document: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    processes = len(psutil.Process().children(recursive=True))
    with Jail(LIMITS, child="tests.workers.rogue") as jail:
        jail.parse(document, "echo")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert len(psutil.Process().children(recursive=True)) == processes


def test_a_jail_works_in_a_thread(document: Path) -> None:
    texts: list[str] = []

    def work() -> None:
        with Jail(LIMITS, child="tests.workers.rogue") as jail:
            texts.append(jail.parse(document, "echo").text)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert texts == ["echo"]
