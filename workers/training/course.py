"""The course of a run, the same for every recipe: from the newest checkpoint to the adapter."""

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from app.trainings.run import Result, Stopped
from workers.training import checkpoint, ranks
from workers.training.control import ADAPTER
from workers.training.files import files_below, flush, sync_folder
from workers.training.guard import guarded
from workers.training.heldout import HeldOut
from workers.training.reporter import Reporter
from workers.training.run import Run


def follow(run: Run, trainer: Any) -> Result | Stopped:
    """Trains from the newest whole checkpoint on, or from the beginning, and leaves the adapter in the run's folder."""
    ranks.meet()  # the first process may have had checkpoints to forget
    start = checkpoint.newest(run.folder, lambda text: run.journal.warning("damaged_checkpoint", text))
    trainer.tokens = start.manifest.tokens if start else 0
    held_out = HeldOut(run, trainer, from_step=start.manifest.step if start else 0)
    reporter = Reporter(run, trainer, held_out)
    trainer.add_callback(reporter)
    run.journal.phase("training")
    if start:
        run.journal.message(f"goes on from step {start.manifest.step}")
    with guarded(trainer.model) if run.fragile else nullcontext():
        trainer.train(resume_from_checkpoint=str(start.folder) if start else None)
    if reporter.stopped:
        return Stopped(type=reporter.stopped, step=trainer.state.global_step)
    run.journal.phase("saving")
    best = held_out.best if run.hyperparameters.early_stop else None
    if best is not None and best != trainer.state.global_step:
        trainer._load_from_checkpoint(str(checkpoint.folder_of(run.folder, best)))
    folder = _leave_adapter(run, trainer)
    metrics = {f"train_{name}": value for name, value in reporter.last.items()} | held_out.measured.get(
        best or trainer.state.global_step, {}
    )
    return Result(
        adapter=str(folder),
        files=files_below(folder),
        steps=trainer.state.global_step,
        trained_tokens=trainer.tokens,
        metrics=metrics | ({"best_step": float(best)} if best else {}),
    )


def _leave_adapter(run: Run, trainer: Any) -> Path:
    """The adapter, or the whole weights, in `adapter/`: beside first, then renamed. The first process writes it."""
    target = run.folder / ADAPTER
    if ranks.first():
        _write_adapter(run, trainer, target)
    ranks.meet()
    return target


def _write_adapter(run: Run, trainer: Any, target: Path) -> None:
    partial = target.with_name(f".{ADAPTER}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    if trainer.write_adapter is not None:
        trainer.write_adapter(partial)
    else:
        trainer.model.save_pretrained(partial)
        trainer.processing_class.save_pretrained(partial)
    flush(partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    sync_folder(run.folder)
