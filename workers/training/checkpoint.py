"""Checkpoints that are whole or not there: written beside, flushed, a manifest with hashes last, then renamed.

A checkpoint holds the tensors that train, just as they are in memory (so that a run goes on in the same precision), the
state of optimiser, schedule and random numbers, and for people the adapter as it would be served.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from app.domain import Record
from workers.training import ranks
from workers.training.control import CHECKPOINTS
from workers.training.files import files_below, flush, sha256, sync_folder, write_whole

MANIFEST = "manifest.json"
INNER = "checkpoint-"  # the folder that transformers' Trainer writes into, inside of ours


class Manifest(Record):
    """What a whole checkpoint holds. `tokens` were trained on up to `step`."""

    step: int
    tokens: int
    files: dict[str, str]  # name -> sha256


class Checkpoint(Record):
    """A whole checkpoint on disk."""

    folder: Path
    manifest: Manifest


def folder_of(run: Path, step: int) -> Path:
    return run / CHECKPOINTS / f"step-{step:08d}"


def save(run: Path, step: int, write: Callable[[Path], None], tokens: int) -> Checkpoint:
    """Has `write` fill a folder beside, and makes it the checkpoint of `step`. A kill leaves no half of it.

    Of several processes all write, each its own files; the first makes and names the folder.
    """
    target = folder_of(run, step)
    partial = target.with_name(f".{target.name}.partial")
    if ranks.first():
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    ranks.meet()
    write(partial)
    ranks.meet()
    saved = _named(partial, target, step, tokens) if ranks.first() else None
    found: Checkpoint = ranks.agreed(saved)
    return found


def _named(partial: Path, target: Path, step: int, tokens: int) -> Checkpoint:
    for file in partial.glob(f"{INNER}*/*"):
        file.rename(partial / file.name)
    for inner in partial.glob(f"{INNER}*"):
        inner.rmdir()
    manifest = Manifest(step=step, tokens=tokens, files=files_below(partial))
    flush(partial)
    write_whole(partial / MANIFEST, manifest.model_dump_json(indent=1).encode())
    shutil.rmtree(target, ignore_errors=True)  # a damaged one of the same step
    partial.rename(target)
    sync_folder(target.parent)
    return Checkpoint(folder=target, manifest=manifest)


def newest(run: Path, report: Callable[[str], None] = lambda _: None) -> Checkpoint | None:
    """The newest checkpoint whose every file has the hash its manifest says; `report` hears of damaged ones."""
    for folder in sorted((run / CHECKPOINTS).glob("step-*"), reverse=True):
        found = whole(folder)
        if found:
            return found
        report(f"{folder.name} is damaged and left out")
    return None


def whole(folder: Path) -> Checkpoint | None:
    """The checkpoint in this folder, or None if anything of it is missing or changed."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
        intact = all(sha256(folder / name) == digest for name, digest in manifest.files.items())
    except (ValueError, OSError):
        return None
    return Checkpoint(folder=folder, manifest=manifest) if intact else None


def prune(run: Path, keep: int, spare: int | None) -> None:
    """Removes all but the newest `keep` checkpoints, what kills left half-written, and never the step `spare`."""
    for partial in (run / CHECKPOINTS).glob(".step-*.partial"):
        shutil.rmtree(partial, ignore_errors=True)
    folders = sorted((run / CHECKPOINTS).glob("step-*"))
    for folder in folders[:-keep]:
        if spare is None or folder != folder_of(run, spare):
            shutil.rmtree(folder, ignore_errors=True)


def forget(run: Path) -> None:
    """Removes all checkpoints."""
    shutil.rmtree(run / CHECKPOINTS, ignore_errors=True)
