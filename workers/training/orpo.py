"""Odds-ratio preference optimisation (arXiv 2403.07691): learns the chosen answer, and to prefer it, at once."""

from trl.experimental.orpo import ORPOConfig, ORPOTrainer

from workers.training import data
from workers.training.adapters import configuration, finish_trainer, start_model
from workers.training.arguments import arguments, steps_of
from workers.training.model import load_model, load_tokenizer
from workers.training.run import Run
from workers.training.trainer import Recoverable


class Trainer(Recoverable, ORPOTrainer):  # type: ignore[misc]
    """TRL's experimental one: no reference model, so half the memory of DPO."""


def build(run: Run) -> Trainer:
    """The pairs, the model with its adapter, and the trainer over both."""
    tokenizer = load_tokenizer(run, chat=True)
    rows = data.rendered_pairs(run, tokenizer, run.spec.train_files)
    files = run.spec.validation_files
    held_out = data.rendered_pairs(run, tokenizer, files) if files else None

    steps = steps_of(run, len(rows))
    model, config = start_model(run, load_model(run), configuration(run, rows=len(rows), steps=steps))
    settings = ORPOConfig(
        **arguments(run, steps),
        beta=run.choice.method_options.beta,
        max_length=run.hyperparameters.max_length,
        remove_unused_columns=False,
    )
    trainer = Trainer(
        model=model,
        args=settings,
        train_dataset=rows,
        eval_dataset=held_out,
        processing_class=tokenizer,
        peft_config=config,
    )
    trainer.run = run
    finish_trainer(run, trainer)
    return trainer
