"""Parts of a service that are forked with everything imported are what `python -m` would have started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nursery import PRELOADED, ROOT, Part
from tests.service import wait

TOLD = "import os; print(os.environ.get('SECRET'), os.environ.get('HOME'), os.getsid(0) == os.getpid(), os.getcwd())"
FAILS = "import atexit; atexit.register(print, 'farewell'); 1 / 0"
STAYS = "import time; print('up', flush=True); time.sleep(600)"
ALONE = """
import importlib, sys, psutil
for name in sys.argv[1:]:
    importlib.import_module(name)
from app.settings import settings
assert psutil.Process().num_threads() == 1
assert settings.cache_info().currsize == 0
assert "workers.celery_app" not in sys.modules
"""


def test_nothing_that_is_preloaded_reads_settings_or_starts_a_thread() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("CORPUSMITH_")}
    subprocess.run([sys.executable, "-c", ALONE, *PRELOADED], env=env | {"OMP_NUM_THREADS": "1"}, cwd=ROOT, check=True)


def test_a_part_has_its_own_environment_session_and_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    part = Part("timeit", "-n1", "-r1", TOLD, env={"SECRET": "squirrel"}, log=log)
    assert part.wait(30) == part.returncode == part.poll() == 0
    assert log.read_text().splitlines()[0] == f"squirrel None True {ROOT}"


def test_a_part_ends_as_python_ends(tmp_path: Path) -> None:
    part = Part("timeit", "-n1", "-r1", FAILS, env={}, log=tmp_path / "log")
    assert part.wait(30) == 1
    told = (tmp_path / "log").read_text()
    assert "ZeroDivisionError" in told
    assert told.splitlines()[-1] == "farewell"


def test_a_part_can_be_frozen_and_killed_and_is_known_by_its_number(tmp_path: Path) -> None:
    part = Part("timeit", "-n1", "-r1", STAYS, env={}, log=tmp_path / "log")
    wait(lambda: "up" in (tmp_path / "log").read_text(), 30)
    part.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        part.wait(0.1)
    assert Path(f"/proc/{part.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    part.kill()
    assert part.wait(30) == -signal.SIGKILL
    part.kill()  # of one that has ended: nothing
    assert not Path(f"/proc/{part.pid}").exists()
