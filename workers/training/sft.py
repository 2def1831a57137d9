"""Supervised fine-tuning: conversations in, loss on what the assistant says, an adapter out."""

from trl import SFTConfig, SFTTrainer

from workers.training import data
from workers.training.adapters import configuration, finish_trainer, start_model
from workers.training.arguments import arguments, steps_of
from workers.training.model import load_model, load_tokenizer
from workers.training.run import Run
from workers.training.trainer import Recoverable


class Trainer(Recoverable, SFTTrainer):  # type: ignore[misc]
    """TRL's, over rows that are tokens and labels already."""


def build(run: Run) -> Trainer:
    """The rows as tokens, the model with its new adapter, and the trainer over both."""
    tokenizer = load_tokenizer(run, chat=True)
    rows = data.chat(run, tokenizer, run.spec.train_files)
    held_out = data.chat(run, tokenizer, run.spec.validation_files) if run.spec.validation_files else None

    steps = steps_of(run, len(rows))
    model, config = start_model(run, load_model(run), configuration(run, rows=len(rows), steps=steps))
    settings = SFTConfig(
        **arguments(run, steps),
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,  # rows are cut and packed already
        padding_free=run.hyperparameters.packing,  # packed rows attend to themselves only
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
