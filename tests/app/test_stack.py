"""The embedded stack: its parts live, restart and end together, whatever is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from redis import Redis

from app.settings import Settings
from app.stack import guard, parts, running
from app.stack.errors import AlreadyRunning
from app.stack.sockets import LONGEST, make_private, socket_path
from app.stack.supervisor import Part, Running, Supervisor

ROOT = Path(__file__).parent.parent.parent
# Writes its own pid and that of a child which leaves the session, as model servers' engines and pools may.
FAMILY = """
import os, pathlib, signal, subprocess, sys, time
{prelude}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(f"{{os.getpid()}} {{child.pid}}")
time.sleep(600)
"""


def eventually(what: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until `what` is true, else fail."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family(name: str, pids: Path, prelude: str = "", grace: float = 10.0) -> Part:
    argv = (sys.executable, "-c", FAMILY.format(prelude=prelude), str(pids))
    return Part(name, argv, dict(os.environ), ready=pids.exists, grace_seconds=grace)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs")
    yield supervisor
    supervisor.stop()


def only(supervisor: Supervisor) -> Running:
    (found,) = supervisor.parts
    return found


def is_ready(supervisor: Supervisor) -> bool:
    return all(found.state == "ready" for found in supervisor.parts)


def has_stopped(supervisor: Supervisor) -> bool:
    return only(supervisor).state == "stopped"


def test_what_was_queued_survives_a_killed_broker(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(parts.broker(tmp_path))
    eventually(lambda: is_ready(supervisor))
    with Redis(unix_socket_path=str(socket_path(tmp_path))) as client:
        client.rpush("queue", "one", "two")
    time.sleep(1.5)  # appendfsync everysec
    pid = only(supervisor).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: only(supervisor).restarts == 1 and is_ready(supervisor))
    with Redis(unix_socket_path=str(socket_path(tmp_path))) as client:
        assert client.lrange("queue", 0, -1) == [b"one", b"two"]
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    supervisor.stop()
    assert not alive(only(supervisor).pid or 0)


def test_a_deep_data_directory_gets_a_short_private_socket(tmp_path: Path, supervisor: Supervisor) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    path = socket_path(deep)
    assert len(os.fsencode(path)) <= LONGEST
    assert socket_path(tmp_path / "other" / ("d" * 120)) != path
    assert Settings(data_dir=deep, broker_url="").broker_url == f"redis+socket://{path}"
    supervisor.start(parts.broker(deep))
    eventually(lambda: is_ready(supervisor))
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_not_taken_for_private(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError):
        make_private(tmp_path / "link")


def test_a_killed_part_is_started_again_and_its_children_are_gone(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(family("part", tmp_path / "pids"))
    eventually(lambda: is_ready(supervisor))
    main, child = map(int, (tmp_path / "pids").read_text().split())
    assert only(supervisor).pid == main
    os.kill(main, signal.SIGKILL)
    eventually(lambda: only(supervisor).restarts == 1 and is_ready(supervisor) and only(supervisor).pid != main)
    assert not alive(main)
    assert not alive(child)


def test_a_part_that_keeps_failing_is_tried_less_and_less_often(supervisor: Supervisor) -> None:
    supervisor.start(Part("part", (sys.executable, "-c", "print('no luck')"), dict(os.environ)))
    eventually(lambda: only(supervisor).restarts == 2)
    eventually(lambda: "starts again in 2 s" in only(supervisor).detail)
    assert only(supervisor).state == "waiting"


def test_a_part_that_lives_but_does_not_answer_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    answers = iter([True, False, False, False])
    argv = (sys.executable, "-c", "import time; time.sleep(600)")
    supervisor.start(
        Part("part", argv, dict(os.environ), ready=lambda: next(answers, True), check_seconds=0.1, failures=3)
    )
    eventually(lambda: only(supervisor).restarts == 1 and is_ready(supervisor))


def test_one_bad_answer_is_forgiven(supervisor: Supervisor) -> None:
    answers = iter([True, False, False, True, False, False, True])
    argv = (sys.executable, "-c", "import time; time.sleep(600)")
    supervisor.start(
        Part("part", argv, dict(os.environ), ready=lambda: next(answers, True), check_seconds=0.1, failures=3)
    )
    eventually(lambda: next(answers, None) is None)
    assert only(supervisor).restarts == 0


def test_stopping_ends_children_that_left_the_group_and_parts_that_ignore_it(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    supervisor.start(family("polite", tmp_path / "one"))
    supervisor.start(family("deaf", tmp_path / "two", prelude=deaf, grace=0.5))
    eventually(lambda: is_ready(supervisor))
    pids = [int(pid) for name in ("one", "two") for pid in (tmp_path / name).read_text().split()]
    supervisor.stop()
    assert [pid for pid in pids if alive(pid)] == []
    assert [found.state for found in supervisor.parts] == ["stopped", "stopped"]
    supervisor.start(family("late", tmp_path / "three"))
    assert len(supervisor.parts) == 2


def test_a_part_is_stopped_by_sigterm_to_itself_alone(supervisor: Supervisor, tmp_path: Path) -> None:
    tidy = "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(sys.argv[1]).write_text('tidy'), sys.exit(0)))"
    supervisor.start(family("part", tmp_path / "pids", prelude=tidy))
    eventually(lambda: is_ready(supervisor))
    supervisor.stop()
    assert (tmp_path / "pids").read_text() == "tidy"


def test_the_part_that_started_last_is_stopped_first(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("broker", "api", "worker"):
        said = f"signal.signal(signal.SIGTERM, lambda *_: (open({str(order)!r}, 'a').write('{name} '), sys.exit(0)))"
        supervisor.start(family(name, tmp_path / name, prelude=said))
    eventually(lambda: is_ready(supervisor))
    supervisor.stop()
    assert order.read_text() == "worker api broker "


def test_a_hurried_stop_does_not_wait_for_the_grace(supervisor: Supervisor, tmp_path: Path) -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    supervisor.start(family("deaf", tmp_path / "pids", prelude=deaf, grace=60.0))
    eventually(lambda: is_ready(supervisor))
    supervisor.hurry()
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 5.0


def test_logs_of_the_run_before_are_kept_once(tmp_path: Path) -> None:
    for word in ("first", "second", "third"):
        supervisor = Supervisor(tmp_path)
        supervisor.start(Part("part", (sys.executable, "-c", f"print('{word}')"), dict(os.environ), restart=False))
        eventually(partial(has_stopped, supervisor))
    assert (tmp_path / "part.log").read_text() == "third\n"
    assert (tmp_path / "part.log.1").read_text() == "second\n"


STACK = """
import os, pathlib, sys, threading
from app.stack import running
from app.stack.supervisor import Supervisor
from tests.app.test_stack import family
data = pathlib.Path(sys.argv[1])
lock = running.take_lock(data, print)
running.UpFile(data, url="http://127.0.0.1:1")
deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
Supervisor(data / "logs", hold=(lock,)).start(family("part", data / "pids", prelude=deaf, grace=1.0))
threading.Event().wait()
"""


@pytest.fixture
def other_stack(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", STACK, str(tmp_path)], cwd=ROOT)
    eventually((tmp_path / "pids").exists)
    yield process
    process.kill()
    process.wait()


def test_a_second_stack_on_the_same_directory_is_told_where_the_first_one_is(
    other_stack: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with pytest.raises(AlreadyRunning, match=r"http://127\.0\.0\.1:1"):
        running.take_lock(tmp_path, print)
    found = running.find(tmp_path)
    assert found is not None
    assert found["pid"] == other_stack.pid


def test_no_process_outlives_a_killed_supervisor_and_the_next_one_waits_for_that(
    other_stack: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert all(alive(pid) for pid in pids)
    other_stack.kill()
    other_stack.wait()
    said: list[str] = []
    os.close(running.take_lock(tmp_path, said.append))
    assert [pid for pid in pids if alive(pid)] == []
    assert said == ["Waiting for the parts of an earlier run to end"]
    assert running.find(tmp_path) is None


def test_a_guard_that_hears_nothing_for_too_long_ends_its_part(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    argv = guard.command(0.2, [sys.executable, "-c", FAMILY.format(prelude=""), str(pids)], silence=2.0)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, bufsize=0) as guarded:
        assert guarded.stdin is not None
        for _ in range(25):  # five seconds of signs of life
            guarded.stdin.write(b".")
            time.sleep(0.2)
        eventually(pids.exists)
        assert guarded.poll() is None
        guarded.wait(15)  # the pipe stays open: silence alone must do
    assert not any(alive(int(pid)) for pid in pids.read_text().split())
