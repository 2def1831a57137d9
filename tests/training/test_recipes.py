"""What the recipes hand to the trainers: loss where it belongs, documents apart, live gradients."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from app.errors import RefusedCombination
from app.trainings.run import RunSpec
from tests.training import tiny
from tests.training.running import here, opened, spec
from workers.training.course import follow
from workers.training.guard import WouldSpoilTraining, guarded, quantised_layers
from workers.training.recipes import recipe
from workers.training.reporter import reaches_first_layer


def batch_of(folder: Path, asked: RunSpec) -> tuple[Any, dict[str, Any]]:
    with opened(folder, asked) as run:
        trainer = recipe(asked.method).build(run)
    return trainer, next(iter(trainer.get_train_dataloader()))


def test_in_the_batch_only_the_answers_carry_loss(base: Path, tmp_path: Path) -> None:
    trainer, batch = batch_of(tmp_path / "run", spec(tmp_path / "run", base))
    answers = {row["messages"][1]["content"] + "<|im_end|>" for row in tiny.chat_rows(24)}
    for labels in batch["labels"]:
        assert trainer.processing_class.decode(labels[labels != -100]) in answers


def test_packed_rows_are_predicted_as_if_they_were_alone(base: Path, tmp_path: Path) -> None:
    asked = spec(tmp_path / "run", base, hyperparameters={"packing": True, "micro_batch_size": 1, "batch_size": 1})
    trainer, batch = batch_of(tmp_path / "run", asked)
    positions = batch["position_ids"][0]
    starts = [*torch.where(positions == 0)[0].tolist(), len(positions)]
    assert len(starts) > 2
    model = trainer.model.get_base_model().eval()
    with torch.no_grad():
        packed = model(**{k: v for k, v in batch.items() if k != "labels"}, use_cache=False).logits[0]
        for start, end in pairwise(starts):
            alone = model(input_ids=batch["input_ids"][:, start:end], use_cache=False).logits[0]
            torch.testing.assert_close(packed[start:end], alone, atol=1e-4, rtol=1e-3)


def test_the_first_layer_of_a_4_bit_model_gets_the_gradient_and_its_eval_mode_is_forbidden(
    base: Path, tmp_path: Path
) -> None:
    gradients = {}
    for variant in ("lora", "qlora"):
        trainer, batch = batch_of(tmp_path / variant, spec(tmp_path / variant, base, variant=variant))
        trainer.compute_loss(trainer.model.train(), batch).backward()
        assert reaches_first_layer(trainer.model)
        named = dict(trainer.model.named_parameters())
        gradients[variant] = torch.cat(
            [p.grad.flatten().float() for n, p in named.items() if ".layers.0." in n and "lora_B" in n]
        )
    assert torch.cosine_similarity(gradients["lora"], gradients["qlora"], dim=0) > 0.9
    model = trainer.model
    with guarded(model) as count:
        assert count == len(quantised_layers(model)) == 14
        model(input_ids=batch["input_ids"])
        with pytest.raises(WouldSpoilTraining):
            model.eval()(input_ids=batch["input_ids"])
    model(input_ids=batch["input_ids"])  # afterwards it may


def test_checkpointed_layers_are_run_twice_and_learn_the_same(base: Path, tmp_path: Path) -> None:
    passes, losses = {}, {}
    for on in (False, True):
        settings = {"gradient_checkpointing": on, "micro_batch_size": 8}
        asked = spec(tmp_path / str(on), base, hyperparameters=settings)
        with opened(tmp_path / str(on), asked) as run:
            trainer, seen = recipe("sft").build(run), list[int]()
            first = trainer.model.get_base_model().model.layers[0]
            first.mlp.register_forward_pre_hook(lambda *_, seen=seen: seen.append(1))
            follow(run, trainer)
        passes[on] = len(seen)
        losses[on] = [step["loss"] for step in trainer.state.log_history if "loss" in step]
    assert passes == {False: 6, True: 12}
    assert losses[True] == pytest.approx(losses[False], abs=1e-4)


def test_a_4_bit_run_measures_held_out_rows_in_another_process(base: Path, tmp_path: Path) -> None:
    asked = spec(
        tmp_path / "run", base, variant="qlora", held_out=4, hyperparameters={"n_epochs": 20, "early_stop": 50}
    )
    done = here(tmp_path / "run", asked)
    measured = [found.metrics["valid_loss"] for found in done.checkpoints]
    assert len(measured) == 2
    assert measured[1] < measured[0] < 5.6
    assert done.result.metrics["best_step"] == 60


def test_dpo_prefers_the_chosen_answers_and_begins_at_no_preference(base: Path, tmp_path: Path) -> None:
    asked = spec(tmp_path / "run", base, "dpo", held_out=8, hyperparameters={"n_epochs": 6})
    done = here(tmp_path / "run", asked)
    assert done.losses[1] == pytest.approx(0.6931, abs=1e-3)  # ln 2: model and reference are the same
    assert done.result.metrics["valid_accuracy"] > 0.9  # all rejected answers end with an exclamation mark


def test_dpo_with_the_chosen_answers_own_loss_keeps_them_likely(base: Path, tmp_path: Path) -> None:
    alone, beside = (
        here(
            tmp_path / name,
            spec(
                tmp_path / name, base, "dpo", hyperparameters={"n_epochs": 6},
                method_options={"sft_weight": weight},
            ),
        )
        for name, weight in (("alone", 0), ("beside", 1))
    )  # fmt: skip
    assert beside.losses[1] > alone.losses[1] + 1  # of a random model, some nats a token
    rewards = [done.result.metrics["train_rewards/chosen"] for done in (alone, beside)]
    assert rewards[1] > max(rewards[0], 0)


def test_training_stops_early_and_leaves_the_best_checkpoint(base: Path, tmp_path: Path) -> None:
    settings = {"n_epochs": 60, "learning_rate": 0.3, "schedule": "constant", "checkpoint_every": 3, "early_stop": 2}
    asked = spec(tmp_path / "run", base, rows=8, held_out=8, hyperparameters={**settings, "keep_checkpoints": 1})
    held_out = tiny.written(Path(asked.validation_files[0]), tiny.chat_rows(8, seed=5))
    assert held_out.exists()
    done = here(tmp_path / "run", asked)
    losses = {found.step: found.metrics["valid_loss"] for found in done.checkpoints}
    best = min(losses, key=lambda step: losses[step])
    assert done.result.steps < 60
    assert done.result.metrics["best_step"] == best == max(losses) - 6
    assert done.result.metrics["valid_loss"] == losses[best]


def test_dpo_goes_on_from_an_adapter_and_keeps_close_to_it(base: Path, tmp_path: Path) -> None:
    taught = here(tmp_path / "taught", spec(tmp_path / "taught", base, hyperparameters={"n_epochs": 4}))
    adapter = taught.result.adapter
    done = here(tmp_path / "run", spec(tmp_path / "run", base, "dpo", adapter=adapter))
    assert done.losses[1] == pytest.approx(0.6931, abs=1e-3)  # the reference is the adapter it starts from
    assert "ref/adapter_model.safetensors" not in done.result.files
    far = spec(tmp_path / "far", base, "dpo", adapter=adapter, method_options={"reference": "base"})
    assert here(tmp_path / "far", far).losses[1] != pytest.approx(0.6931, abs=1e-4)
    with pytest.raises(RefusedCombination, match="cannot go on"):
        here(tmp_path / "no", spec(tmp_path / "no", base, variant="pissa", adapter=adapter))
    wrong = here(tmp_path / "vera", spec(tmp_path / "vera", base, variant="vera", adapter=adapter))
    assert wrong.failure.code == "refused_combination"
