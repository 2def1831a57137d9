"""A variant's choice as PEFT's configuration, what it needs besides, and the adapter as it is served."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from peft import AdaLoraConfig, LoraConfig, PeftConfig, VeraConfig

from app.catalog import VARIANTS
from workers.training import adalora, esft, pissa
from workers.training.model import load_adapter
from workers.training.run import Run
from workers.training.trainer import Recoverable

MANY_ROWS = 50_000


def configuration(run: Run, *, rows: int, steps: int, reward: bool = False) -> PeftConfig | None:
    """PEFT's configuration of a new adapter; None for variants that train whole weights."""
    variant, options = run.choice.variant, run.choice.variant_options
    if not VARIANTS[variant].adapter:
        return None
    shared: dict[str, Any] = {
        "task_type": "SEQ_CLS" if reward else "CAUSAL_LM",
        "target_modules": options.target_modules or "all-linear",
    }
    if variant == "vera":
        return VeraConfig(r=options.r, vera_dropout=options.dropout, projection_prng_key=run.spec.seed, **shared)
    rank = options.r or (64 if rows > MANY_ROWS else 16)
    shared |= {"lora_alpha": options.alpha, "lora_dropout": options.dropout}
    if variant == "adalora":
        first = options.initial_r or math.ceil(1.5 * rank)
        return AdaLoraConfig(target_r=rank, init_r=first, **adalora.schedule(options, steps), **shared)
    own: dict[str, dict[str, Any]] = {
        "rslora": {"use_rslora": True},
        "dora": {"use_dora": True},
        "pissa": {"init_lora_weights": f"pissa_niter_{options.iterations}" if variant == "pissa" else True},
    }
    return LoraConfig(r=rank, **own.get(variant, {}), **shared)


def start_model(run: Run, model: Any, config: PeftConfig | None) -> tuple[Any, PeftConfig | None]:
    """The model and the configuration that a trainer is to be given: a model that has its adapter gets no other.

    An earlier run's adapter goes on; PiSSA takes the weights apart here, and its beginning is kept to undo that.
    """
    if run.spec.adapter is not None:
        return load_adapter(run, model, Path(run.spec.adapter)), None
    if run.choice.variant == "pissa" and config is not None:
        return pissa.begin(run, model, config), None
    return model, config


def finish_trainer(run: Run, trainer: Recoverable) -> None:
    """Gives a trainer what the variant needs besides PEFT's configuration."""
    model = trainer.model  # type: ignore[attr-defined]
    if VARIANTS[run.choice.variant].adapter:
        trainer.write_adapter = writer(run, model, trainer.processing_class)  # type: ignore[attr-defined]
        _warn_of_experts(run, model)
    if run.choice.variant == "esft":
        esft.attach(run, trainer)
    if run.choice.method == "reward" and not run.bf16:
        for name, parameter in model.named_parameters():
            if "modules_to_save" in name:  # TRL casts all that trains over quantised weights to bfloat16, the head too
                parameter.data = parameter.data.float()
    if run.choice.variant == "adalora":
        adalora.attach(trainer)
    if run.choice.variant == "loraplus":
        trainer.own_optimizer = loraplus(run)


def _warn_of_experts(run: Run, model: Any) -> None:
    """PEFT's `all-linear` takes in the router and all experts of a mixture, and says nothing of it."""
    names = (name for name, parameter in model.named_parameters() if parameter.requires_grad)
    layers = {name.partition(".experts.")[0] for name in names if ".experts." in name}
    if layers:
        message = (
            f"the adapter trains the router and every expert of {len(layers)} layers; model servers may not load it"
        )
        run.journal.warning("mixture_of_experts", message)


def writer(run: Run, model: Any, tokenizer: Any) -> Callable[[Path], None]:
    """Writes the adapter as a server loads it, with the tokenizer and its chat template."""

    def write(folder: Path) -> None:
        if run.choice.variant == "adalora" and run.choice.method != "reward":
            adalora.write_as_lora(model, folder)
        elif run.choice.variant == "pissa" and run.spec.adapter is None:
            pissa.write_as_lora(run, model, folder)
        else:
            model.save_pretrained(folder, selected_adapters=["default"], save_embedding_layers=False)
        _tidy(folder)
        tokenizer.save_pretrained(folder)

    return write


def _tidy(folder: Path) -> None:
    """The same adapter gives the same files: PEFT writes a set of names in any order, and an empty card."""
    config = folder / "adapter_config.json"
    found = orjson.loads(config.read_bytes())
    if isinstance(found["target_modules"], list):
        found["target_modules"].sort()
    config.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    (folder / "README.md").unlink(missing_ok=True)


def loraplus(run: Run) -> Callable[[Any], Any]:
    """AdamW whose rate for the matrices B is `ratio` times that for A (arXiv 2402.12354)."""

    def optimizer(trainer: Any) -> Any:
        from peft.optimizers import create_loraplus_optimizer

        kind, settings = trainer.get_optimizer_cls_and_kwargs(trainer.args, trainer.model)
        return create_loraplus_optimizer(
            trainer.model,
            kind,
            loraplus_lr_ratio=run.choice.variant_options.ratio,
            loraplus_weight_decay=trainer.args.weight_decay,
            **settings,
        )

    return optimizer
