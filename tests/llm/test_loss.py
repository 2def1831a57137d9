"""The loss of a text: counted over the text's own tokens, kept in the ledger, refused by servers without it."""

import asyncio
from typing import Any

import pytest

from app.db import transaction
from app.llm import loss
from app.llm.asking import Asker, ModelUnusable
from app.llm.budget import Budget
from app.llm.parse import BadReply
from app.llm.protocol import Refused
from app.models import Call, Dataset
from tests.asking import ask, at
from tests.fakes.logprobs import prompt_logprobs
from tests.fakes.process import FakeModel


def body(*tokens: tuple[str, float] | None) -> dict[str, Any]:
    entries = [None if t is None else {"7": {"logprob": t[1], "rank": 1, "decoded_token": t[0]}} for t in tokens]
    return {"choices": [{"prompt_logprobs": entries}]}


def test_only_tokens_of_the_text_count_and_one_across_the_border_is_the_texts() -> None:
    assert loss.mean(body(None, (" is", -9.0), (" red", -2.0), (".", -4.0)), " red.") == 3.0
    assert loss.mean(body(None, (" is r", -1.0), ("ed", -2.0)), "red") == 1.5
    assert loss.mean(body(None, ("<s>", -7.0), ("red", -2.0)), "red") == 2.0


def test_the_first_bytes_of_a_character_belong_to_it() -> None:
    ship = body(None, (" ", -9.0), ("", -1.0), ("", -2.0), ("🚢", -3.0))
    assert loss.mean(ship, "🚢") == 2.0
    assert loss.mean(body(None, ("", -50.0), ("🚢", -50.0), ("a", -1.0)), "a") == 1.0


def test_a_text_without_a_scored_token_has_no_loss() -> None:
    with pytest.raises(BadReply, match="too_short"):
        loss.mean(body(None), "x")
    with pytest.raises(BadReply, match="parse_error"):
        loss.mean({"choices": [{"prompt_logprobs": [None, {"7": {"logprob": "?"}}]}]}, "x")


def test_a_loss_is_asked_of_the_server_once_and_counted_like_any_call(dataset: pytest.MonkeyPatch) -> None:
    with FakeModel() as model:
        at(dataset, generator_url=model.url)

        async def both(asker: Asker) -> list[float]:
            told = asker.loss(context=None, prefix="The ferry leaves. ", text="The ferry leaves again.", ahead=1)
            untold = asker.loss(context=None, prefix="", text="The ferry leaves again.", ahead=1)
            again = asker.loss(context=None, prefix="", text="The ferry leaves again.", ahead=1)
            return list(await asyncio.gather(told, untold, again))

        told, untold, again = ask(both)
        assert told < untold == again
        entries = prompt_logprobs("The ferry leaves again.")[1:]
        wanted = -sum(next(iter(entry.values()))["logprob"] for entry in entries if entry) / len(entries)
        assert untold == pytest.approx(wanted)
        assert ask(both) == [told, untold, again]
        assert model.bill().total == 2
    with transaction() as session:
        assert session.get_one(Dataset, "dst_1").calls == 2
        assert session.query(Call.step).all() == [("loss",), ("loss",)]


def test_the_trainee_may_live_on_a_server_of_its_own(dataset: pytest.MonkeyPatch) -> None:
    with FakeModel() as generator, FakeModel(model="small") as trainee:
        at(dataset, generator_url=generator.url, trainee_url=trainee.url, trainee_model="small")
        ask(lambda asker: asker.loss(context=None, prefix="", text="Two words here.", ahead=1))
        assert (generator.bill().total, trainee.bill().total) == (0, 1)


def test_a_server_that_gives_no_log_probabilities_fails_the_dataset_and_not_the_row(
    dataset: pytest.MonkeyPatch,
) -> None:
    with FakeModel(prompt_logprobs=False) as model:
        at(dataset, generator_url=model.url)
        with pytest.raises(ModelUnusable) as failure:
            ask(lambda asker: asker.loss(context=None, prefix="", text="Two words here.", ahead=1))
        assert failure.value.code == "no_logprobs"


def test_a_server_without_that_model_says_so(dataset: pytest.MonkeyPatch) -> None:
    with FakeModel(model="other") as model:
        at(dataset, generator_url=model.url)
        with pytest.raises(ModelUnusable) as failure:
            ask(lambda asker: asker.loss(context=None, prefix="", text="Two words here.", ahead=1))
        assert failure.value.code == "model_not_found"


def test_a_loss_that_the_budget_does_not_carry_is_not_asked(dataset: pytest.MonkeyPatch) -> None:
    with FakeModel() as model:
        at(dataset, generator_url=model.url)
        with pytest.raises(Refused, match="budget_spent"):
            ask(
                lambda asker: asker.loss(context=None, prefix="", text="Two words here.", ahead=1),
                Budget(None, 3),
            )
        assert model.bill().total == 0
