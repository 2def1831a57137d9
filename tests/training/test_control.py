"""A run's folder is written whole, its wishes are counted, and its events can be followed while they are written."""

from pathlib import Path

import pytest

from app.errors import InvalidRequest, RefusedCombination, UnknownCatalogEntry
from app.trainings.asked import understand
from app.trainings.choice import choose
from app.trainings.run import MessageEvent, RunSpec
from app.trainings.schemas import JobCreate, Ours
from workers.training import control
from workers.training.events import Journal, follow


def spec(**changed: object) -> RunSpec:
    given = {"method": "sft", "variant": "lora", "base_model": "/nowhere", "train_files": ("/nowhere.jsonl",)}
    return RunSpec.model_validate({**given, **changed})


def test_what_is_prepared_is_read_back(tmp_path: Path) -> None:
    control.prepare(tmp_path / "run", spec(seed=7))
    assert control.spec_of(tmp_path / "run") == spec(seed=7)
    assert control.outcome(tmp_path / "run") is None


def test_a_second_checkpoint_is_another_wish_and_preparing_forgets_both(tmp_path: Path) -> None:
    control.prepare(tmp_path, spec())
    control.ask(tmp_path, "checkpoint")
    control.ask(tmp_path, "checkpoint")
    assert control.asked(tmp_path) == control.Asked(wish="checkpoint", count=2)
    control.prepare(tmp_path, spec())
    assert control.asked(tmp_path) is None


def test_events_are_followed_from_where_one_left_off_and_a_half_line_is_no_event(tmp_path: Path) -> None:
    with Journal(tmp_path / control.EVENTS) as journal:
        journal.message("one")
    first, offset = follow(tmp_path)
    with (tmp_path / control.EVENTS).open("ab") as file:
        file.write(b'{"type": "message", "at": 1.0, "mess')  # killed here
    assert follow(tmp_path, offset) == ([], offset)
    with Journal(tmp_path / control.EVENTS) as journal:
        journal.message("two")
    second, _ = follow(tmp_path, offset)
    assert [event.message for event in first + second if isinstance(event, MessageEvent)] == ["one", "two"]


def test_the_learning_rate_is_the_methods_times_the_variants_unless_it_is_given() -> None:
    def rate(method: str, variant: str, **given: object) -> float:
        return float(choose(method, variant, {}, {}, given).hyperparameters.learning_rate or 0)

    assert rate("sft", "lora") == 2e-4
    assert rate("sft", "full") == pytest.approx(2e-5)
    assert rate("dpo", "lora", learning_rate_multiplier=2) == pytest.approx(1e-5)
    assert rate("dpo", "full", learning_rate=1e-3) == 1e-3


def test_what_cannot_work_is_refused_with_the_reason() -> None:
    with pytest.raises(RefusedCombination, match="cannot be taken apart"):
        choose("sft", "pissa", {}, {"base": "nf4"}, {})
    with pytest.raises(UnknownCatalogEntry, match="qlora"):
        choose("sft", "qlorra", {}, {}, {})
    with pytest.raises(InvalidRequest) as wrong:
        choose("sft", "lora", {}, {"rank": 8}, {})
    assert wrong.value.fields[0][0] == "/variant_options/rank"
    with pytest.raises(InvalidRequest, match="must divide"):
        choose("sft", "lora", {}, {}, {"batch_size": 10, "micro_batch_size": 4})
    with pytest.raises(InvalidRequest) as refused:
        understand(
            JobCreate(
                model="m",
                training_file="file_1",
                corpusmith=Ours(method="online_dpo", method_options={"most_judge_calls": 0}),
            )
        )
    assert refused.value.fields[0][0] == "/corpusmith/method_options/most_judge_calls"
    assert choose("kto", "lora", {}, {}, {"batch_size": 6}).hyperparameters.micro_batch_size == 3
