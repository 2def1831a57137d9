"""Direct preference optimisation (arXiv 2305.18290): pairs in, a model that prefers the chosen answers out.

The reference is the model as it began: the base without its adapter, or a frozen copy of the adapter it goes on from.
With `sft_weight` the mean loss of the chosen answers' tokens is added (arXiv 2404.19733): the difference alone may grow
while both answers become unlikely, their ends too.
"""

from typing import Any

from trl import DPOConfig, DPOTrainer

from workers.training import data
from workers.training.adapters import configuration, finish_trainer, start_model
from workers.training.arguments import arguments, steps_of
from workers.training.model import load_model, load_tokenizer
from workers.training.run import Run
from workers.training.trainer import Recoverable


class Trainer(Recoverable, DPOTrainer):  # type: ignore[misc]
    """TRL's, which renders and masks the pairs itself."""


def build(run: Run) -> Trainer:
    """The pairs, the model with its adapter, and the trainer over both."""
    tokenizer = load_tokenizer(run, chat=True)
    rows = data.pairs(run, run.spec.train_files)
    held_out = data.pairs(run, run.spec.validation_files) if run.spec.validation_files else None

    steps = steps_of(run, len(rows))
    model, config = start_model(run, load_model(run), configuration(run, rows=len(rows), steps=steps))
    options = run.choice.method_options
    losses = {"sigmoid": 1.0} | ({"sft": options.sft_weight} if options.sft_weight else {})
    settings = DPOConfig(
        **arguments(run, steps),
        beta=options.beta,
        loss_type=list(losses),
        loss_weights=list(losses.values()),
        max_length=run.hyperparameters.max_length,
    )
    trainer = Trainer(
        model=model,
        args=settings,
        train_dataset=rows,
        eval_dataset=held_out,
        processing_class=tokenizer,
        peft_config=config,
    )
    if options.reference == "base":
        forget_adapter(trainer.model)
    trainer.run = run
    finish_trainer(run, trainer)
    return trainer


def forget_adapter(model: Any) -> None:
    """Makes the reference the base itself: the copy of the adapter that TRL keeps as `ref` adds nothing any more."""
    if "ref" in getattr(model, "peft_config", {}):
        for name, parameter in model.named_parameters():
            if ".ref" in name and ("lora_B" in name or "vera_lambda_b" in name):
                parameter.data.zero_()
