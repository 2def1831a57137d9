"""A reward model (Bradley-Terry): pairs in, one score for an answer out. Pairs over max_length are left out."""

from trl import RewardConfig, RewardTrainer

from workers.training import data
from workers.training.adapters import configuration, finish_trainer, start_model
from workers.training.arguments import arguments, steps_of
from workers.training.model import load_model, load_tokenizer
from workers.training.run import Run
from workers.training.trainer import Recoverable


class Trainer(Recoverable, RewardTrainer):  # type: ignore[misc]
    """TRL's, which renders the pairs itself."""


def build(run: Run) -> Trainer:
    """The pairs, the base model with a new head and its adapter, and the trainer over both."""
    tokenizer = load_tokenizer(run, chat=True)
    rows = data.pairs(run, run.spec.train_files)
    held_out = data.pairs(run, run.spec.validation_files) if run.spec.validation_files else None

    steps = steps_of(run, len(rows))
    config = configuration(run, rows=len(rows), steps=steps, reward=True)
    model, config = start_model(run, load_model(run, reward=True), config)
    settings = RewardConfig(**arguments(run, steps), max_length=run.hyperparameters.max_length)
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
