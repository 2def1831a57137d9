"""Kahneman-Tversky optimisation (arXiv 2402.01306): single answers, each labelled good or bad; no pairs are needed."""

from trl import KTOConfig, KTOTrainer

from workers.training import data
from workers.training.adapters import configuration, finish_trainer, start_model
from workers.training.arguments import arguments, steps_of
from workers.training.model import load_model, load_tokenizer
from workers.training.run import Run
from workers.training.trainer import Recoverable


class Trainer(Recoverable, KTOTrainer):  # type: ignore[misc]
    """TRL's. How far it is from the reference is told from mixed answers of a micro batch: that takes two or more."""


def build(run: Run) -> Trainer:
    """The labelled answers, the model with its adapter, and the trainer over both."""
    tokenizer = load_tokenizer(run, chat=True)
    rows = data.labelled(run, run.spec.train_files)
    held_out = data.labelled(run, run.spec.validation_files) if run.spec.validation_files else None

    steps = steps_of(run, len(rows))
    model, config = start_model(run, load_model(run), configuration(run, rows=len(rows), steps=steps))
    settings = KTOConfig(
        **arguments(run, steps),
        beta=run.choice.method_options.beta,
        desirable_weight=run.choice.method_options.desirable_weight,
        undesirable_weight=run.choice.method_options.undesirable_weight,
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
    trainer.run = run
    finish_trainer(run, trainer)
    return trainer
