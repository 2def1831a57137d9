"""Asking again: hotter, with more room where the model has it, and never with a reason that is the retry's own."""

from typing import Any

import pytest

from app.domain import Chunk, Context
from app.llm.asking import Asker
from app.llm.protocol import Refused
from app.replies import OwnAnswer, Reply
from tests.asking import ask, at
from tests.fakes.process import FakeModel

TEXT = "The ferry Aurora leaves Norvik at 07:40 every weekday."
CONTEXT = Context(
    id="ctx_1",
    chunks=(Chunk(id="c", document_id="d", document_name="a.txt", start=0, end=len(TEXT), text=TEXT),),
    language="en",
)


def own_answer(dataset: pytest.MonkeyPatch, script: dict[str, Any], limit: int) -> tuple[Reply | Refused, int]:
    """What a judge's prompt with a limit of 512 tokens comes to, and how many replies were paid for."""

    async def test(asker: Asker) -> Reply | Refused:
        try:
            return await asker.ask("judge/own_answer@1", context=CONTEXT, ahead=1, question="When does it leave?")
        except Refused as refusal:
            return refusal

    with FakeModel(script, max_model_len=limit) as model:
        at(dataset, generator_url=model.url)
        return ask(test), model.bill().total


def test_a_reply_that_was_cut_off_is_asked_for_again_with_more_room(dataset: pytest.MonkeyPatch) -> None:
    reply, paid = own_answer(dataset, {"faults": [{"fault": "length", "first": 1}]}, 4096)
    assert isinstance(reply, OwnAnswer) and paid == 2


def test_where_the_model_has_no_more_room_it_is_asked_again_with_what_there_was(dataset: pytest.MonkeyPatch) -> None:
    reply, paid = own_answer(dataset, {"faults": [{"fault": "length", "first": 1}]}, 1000)
    assert isinstance(reply, OwnAnswer) and paid == 2


@pytest.mark.parametrize(("limit", "replies"), [(4096, 3), (1000, 2)])
def test_a_reply_that_is_always_cut_off_is_truncated_however_much_room_there_is(
    limit: int, replies: int, dataset: pytest.MonkeyPatch
) -> None:
    reply, paid = own_answer(dataset, {"faults": [{"fault": "length"}]}, limit)
    assert isinstance(reply, Refused) and (reply.reason, paid) == ("truncated", replies)


def test_a_first_call_that_has_no_room_says_so(dataset: pytest.MonkeyPatch) -> None:
    reply, paid = own_answer(dataset, {}, 500)
    assert isinstance(reply, Refused) and (reply.reason, paid) == ("request_rejected", 0)
