"""The child process: checks the rows, takes the device, trains, says how it ended. Torch is loaded after the check."""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app.catalog import METHODS
from app.errors import Problem
from app.trainings.choice import choose
from app.trainings.rows import BadRow, check
from app.trainings.run import Failure, Outcome, Result, RunSpec
from workers.training import control, ranks
from workers.training.events import Journal
from workers.training.files import write_whole
from workers.training.run import Run, RunFailed, no_memory_left

# Before the libraries are loaded: nothing is looked up in a hub, nothing is reported, no progress is drawn.
ALONE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def main(folder: Path) -> Outcome:
    """Does the run in `folder` and writes its outcome, whatever it is."""
    try:
        ended = work(folder)
        if isinstance(ended, Result):
            ended = ended.model_copy(update={"packages": packages()})
    except RunFailed as failed:
        ended = failed.failure
    except Problem as refused:
        ended = Failure(code="refused_combination", message=refused.detail, param=refused.param)
    except Exception as wrong:
        traceback.print_exc()  # for whoever reads the child's log; the outcome has one line
        ended = failure_of(wrong)
    told = folder / control.OUTCOME_FILE
    # Of several processes whoever fails first says so; what the others then say is of connections that were closed.
    if ranks.world() == 1 or ((ranks.first() or isinstance(ended, Failure)) and not told.exists()):
        write_whole(told, ended.model_dump_json(indent=1).encode())
    return ended


def work(folder: Path) -> Outcome:
    """The run from its rows to its adapter. Raises RunFailed."""
    from workers.training import checkpoint

    with opened(folder, silent=not ranks.first()) as run:
        if not run.spec.resume and ranks.first():
            checkpoint.forget(folder)
        run.journal.phase("loading")
        if run.choice.method == "online_dpo":
            if ranks.world() > 1:
                raise RunFailed("refused_combination", "online_dpo runs in one process", param="method")
            from workers.training import online_dpo

            return online_dpo.work(run)
        from workers.training.course import follow
        from workers.training.recipes import recipe

        return follow(run, recipe(run.choice.method).build(run))


@contextmanager
def opened(folder: Path, *, silent: bool = False) -> Iterator[Run]:
    """The run of a folder, with its rows checked and its device found. `silent`: a helper that tells no events."""
    os.environ.update(ALONE)
    spec = control.spec_of(folder)
    choice = choose(spec.method, spec.variant, spec.method_options, spec.variant_options, spec.hyperparameters)
    with Journal(Path(os.devnull) if silent else folder / control.EVENTS) as journal:
        if not silent:
            journal.phase("validating")
            validate(spec)
        device, bf16 = _device(spec, choice.hyperparameters.precision)
        yield Run(folder, spec, choice, journal, device, bf16)


def validate(spec: RunSpec) -> None:
    """Reads every row once, before torch is loaded and a device taken. Raises RunFailed (`invalid_training_file`)."""
    for param, files in (("training_file", spec.train_files), ("validation_file", spec.validation_files)):
        try:
            check([Path(file) for file in files], METHODS[spec.method].rows)
        except BadRow as bad:
            raise RunFailed("invalid_training_file", str(bad), param=param, line=bad.line or None) from bad


def _device(spec: RunSpec, precision: str) -> tuple[str, bool]:
    """`cpu` or `cuda`, and whether to compute in bfloat16. Raises RunFailed (`no_device`)."""
    import torch

    there = torch.cuda.is_available()
    if spec.device == "cuda" and not there:
        raise RunFailed("no_device", "a GPU was asked for, and torch finds none here", param="device")
    device = "cuda" if there and spec.device != "cpu" else "cpu"
    if precision == "auto":
        return device, device == "cuda" and torch.cuda.is_bf16_supported()
    return device, precision == "bf16"


def packages() -> dict[str, str]:
    """The versions of what shaped the weights; what is not installed is left out."""
    found = {}
    for name in ("corpusmith", "torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "tokenizers"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def failure_of(wrong: Exception) -> Failure:
    """What went wrong, by name where it has one."""
    text = f"{type(wrong).__name__}: {wrong}"
    if no_memory_left(wrong):
        hint = "lower micro_batch_size or max_length, turn gradient_checkpointing on, or quantise the base"
        return Failure(code="out_of_memory", message=f"{text[:300]}; {hint}")
    return Failure(code="training_failed", message=text[:1000])
