"""PiSSA (arXiv 2404.02948): the adapter begins as the principal part of the weights, and the rest stays frozen.

So its base is not the model one has. An adapter for the model as it is holds the difference between end and beginning,
at twice the rank; PEFT computes it from the beginning, which is kept in the run's folder.
"""

from pathlib import Path
from typing import Any

from peft import PeftConfig, get_peft_model
from transformers import set_seed

from workers.training.files import sha256
from workers.training.run import Run, RunFailed

BEGINNING = "pissa"
_WEIGHTS = "adapter_model.safetensors"


def begin(run: Run, model: Any, config: PeftConfig) -> Any:
    """`model` taken apart. A resumed run must find the very beginning it had: the frozen rest depends on it."""
    set_seed(run.spec.seed)
    started = get_peft_model(model, config)
    folder = run.folder / BEGINNING
    before = sha256(folder / _WEIGHTS) if (folder / _WEIGHTS).exists() else None
    _saved_without_init(started, folder)
    if before and sha256(folder / _WEIGHTS) != before and any(run.folder.glob("checkpoints/step-*")):
        raise RunFailed("training_failed", "PiSSA took the weights apart differently than before; begin the run anew")
    return started


def _saved_without_init(model: Any, folder: Path) -> None:
    """Saves with a configuration that does not take the weights apart again, as PEFT's conversion wants it."""
    config = model.peft_config["default"]
    kept, config.init_lora_weights = config.init_lora_weights, True
    try:
        model.save_pretrained(folder, save_embedding_layers=False)
    finally:
        config.init_lora_weights = kept


def write_as_lora(run: Run, model: Any, folder: Path) -> None:
    """The adapter for the model as it is: plain LoRA of twice the rank."""
    model.save_pretrained(
        folder,
        selected_adapters=["default"],
        save_embedding_layers=False,
        path_initial_model_for_weight_conversion=str(run.folder / BEGINNING),
    )
