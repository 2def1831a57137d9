"""One unit's view of the models: render, look into the ledger, wait for a turn, pay, record, parse, ask again once."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import orjson

from app import prompts
from app.domain import Context
from app.llm import parse
from app.llm.budget import Budget
from app.llm.endpoint import Rejected
from app.llm.ledger import CallRow, Ledger
from app.llm.pool import Pool
from app.llm.protocol import Refused
from app.prompts import Prompt
from app.replies import Reply

TAIL_SHARE = 0.4  # of the window: so many last contexts of a dataset are let in together
# Raw blank lines stand only between JSON tokens (in strings they are escaped): a model that loops is cut off.
STOP = ["\n\n\n", "\t\t\t\t", " " * 24]
CONTENT_TRIES = 3  # one reply and, when it cannot be used, two more


class ModelUnusable(Exception):
    """No call to this model can succeed (unknown name, key refused): the dataset fails, not the row."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


class BudgetSpent(Refused):
    """The dataset may make no more calls: the rows at hand are dropped for it, and no further unit is begun."""


class Asker:
    """The `Model` of one unit. `place` is its position, `left` the number of units from it to the last one."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        pools: dict[str, Pool],
        models: dict[str, str],
        tenant_id: str,
        dataset_id: str,
        unit_id: str,
        place: int,
        left: int,
        budget: Budget,
    ) -> None:
        self.ledger, self.pools, self.models = ledger, pools, models
        self.tenant_id, self.dataset_id, self.unit_id = tenant_id, dataset_id, unit_id
        self.place, self.left, self.budget = place, left, budget
        self.replayed = 0
        self.first, self.fresh = True, False
        self.on_ask: Callable[[], None] = lambda: None

    async def ask(
        self,
        ref: str,
        *,
        context: Context,
        ahead: int,
        role: str = "generator",
        count: int | None = None,
        **values: Any,
    ) -> Reply:
        """See `app.llm.protocol.Model.ask`."""
        prompt = prompts.load(ref)
        if count is not None:
            values["count"] = count
        pool = self.pools[role]
        request = {
            "model": self.models[role],
            "messages": prompt.messages(context.text, **values),
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "response_format": _response_format(prompt, count),
            "stop": STOP,
        }
        bad: parse.BadReply | None = None
        for attempt in range(CONTENT_TRIES):
            if attempt:
                # The same question in the same words would get the same broken reply from a greedy model.
                request["temperature"] = min(1.0, prompt.temperature + 0.3 * attempt)
                if bad and bad.reason == "truncated":
                    request["max_tokens"] = 2 * prompt.max_tokens
            try:
                return await self._once(prompt, request, attempt, context, ahead, count, pool)
            except parse.BadReply as failure:
                bad = failure
        assert bad is not None
        raise Refused(bad.reason, bad.detail)

    async def _once(
        self,
        prompt: Prompt,
        request: dict[str, Any],
        attempt: int,
        context: Context,
        ahead: int,
        count: int | None,
        pool: Pool,
    ) -> Reply:
        body = orjson.dumps(request)
        key = call_key(self.tenant_id, prompt, body, attempt)
        # Without a document in it, two units can make the same call: then what is known of this unit says nothing.
        raw = None if self.fresh and prompt.document else await self._paid(key)
        if raw is None:
            # A unit's first call was not in the ledger: then nothing that follows from it can be there either.
            self.fresh = self.fresh or self.first
            done = self.ledger.paying[self.tenant_id, key] = asyncio.get_running_loop().create_future()
            try:
                raw = await self._pay(prompt, body, key, context, ahead, pool, request["model"])
            finally:
                del self.ledger.paying[self.tenant_id, key]
                done.set_result(None)
        else:
            self.replayed += 1
        self.first = False
        answer = parse.envelope(raw)
        return parse.reply(parse.content(answer), prompt.reply, count)

    async def _paid(self, key: bytes) -> bytes | None:
        """The reply under this key, waiting for it if another unit of this process is paying for it just now."""
        while True:
            raw = await self.ledger.find(self.tenant_id, key)
            if raw is not None or (paying := self.ledger.paying.get((self.tenant_id, key))) is None:
                return raw
            await asyncio.shield(paying)

    async def _pay(
        self, prompt: Prompt, body: bytes, key: bytes, context: Context, ahead: int, pool: Pool, model: str
    ) -> bytes:
        lane = pool.lane(context.id)
        self.on_ask()
        # Depth first by context; the last contexts together, longest remaining path first, so no slot idles at the end.
        tail = int(TAIL_SHARE * pool.slots)
        order = (self.place, 0, 0) if self.left > tail else (self.place + self.left - tail, -ahead, self.place)
        estimate = len(body) // 4 + prompt.max_tokens // 4
        if not self.budget.reserve(estimate):
            raise BudgetSpent("budget_spent", "the dataset's budget of calls or tokens is spent")
        used: parse.Usage | None = None
        try:
            raw = await lane.submit(self.tenant_id, self.dataset_id, order, body, len(body) // 4, pool.lanes)
            used = parse.usage(parse.envelope(raw))
        except Rejected as rejection:
            if rejection.code in ("model_not_found", "model_auth"):
                raise ModelUnusable(rejection.code, rejection.detail) from rejection
            raise Refused(rejection.code, rejection.detail) from rejection
        finally:
            self.budget.settle(estimate, used)
        row = CallRow(
            tenant_id=self.tenant_id,
            call_key=key,
            dataset_id=self.dataset_id,
            unit_id=self.unit_id,
            step=prompt.step,
            model=model,
            reply=raw,
            usage=used,
        )
        await self.ledger.record(row)
        return raw


def call_key(tenant_id: str, prompt: Prompt, body: bytes, sample_index: int) -> bytes:
    """SHA-256 of all that shapes a reply: tenant, prompt id and hash, messages, model, sampling, sample index.

    `body` is the request as sent, which holds messages, model and sampling in a fixed order.
    """
    head = f"{tenant_id}\0{prompt.id}\0{prompt.sha256}\0{sample_index}\0".encode()
    return hashlib.sha256(head + body).digest()


def _response_format(prompt: Prompt, count: int | None) -> dict[str, Any]:
    name = prompt.output.lower()
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "schema": prompt.reply.schema_for(count), "strict": True},
    }
