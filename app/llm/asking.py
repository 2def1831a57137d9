"""One unit's view of the models: render, look into the ledger, wait for a turn, pay, record, parse, ask again once."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app import prompts
from app.domain import Context
from app.llm import loss, parse
from app.llm.budget import Budget
from app.llm.endpoint import CHAT, Rejected
from app.llm.lane import Lane
from app.llm.ledger import CallRow, Ledger
from app.llm.pool import Pool, Roles
from app.llm.protocol import Refused
from app.llm.turn import Turn
from app.prompts import Prompt
from app.replies import Reply

# Raw blank lines stand only between JSON tokens (in strings they are escaped): a model that loops is cut off.
STOP = ["\n\n\n", "\t\t\t\t", " " * 24]
NO_LOGPROBS = "no_logprobs"
NO_ROOM = ("context_length_exceeded", "request_rejected")  # what servers call a max_tokens that is too large
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
        roles: Roles,
        tenant_id: str,
        dataset_id: str,
        unit_id: str,
        place: int,
        left: int,
        budget: Budget,
    ) -> None:
        self.ledger, self.roles, self.models = ledger, roles, roles.models
        self.tenant_id, self.dataset_id, self.unit_id = tenant_id, dataset_id, unit_id
        self.place, self.left, self.budget = place, left, budget
        self.replayed = 0
        self.looking, self.found, self.fresh = 0, False, False
        self.made: set[bytes] = set()  # keys of this unit's calls: the same question twice is paid for once
        self.homes: dict[tuple[Pool, str], Lane] = {}
        self.on_ask: Callable[[], None] = lambda: None

    async def ask(
        self,
        ref: str,
        *,
        context: Context,
        ahead: int,
        role: str = "generator",
        count: int | None = None,
        sample: int = 0,
        temperature: float | None = None,
        model: str | None = None,
        fields: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Reply:
        """See `app.llm.protocol.Model.ask`."""
        prompt = prompts.load(ref)
        if count is not None:
            values["count"] = count
        name = model or self.roles.name(role)
        warmth = prompt.temperature if temperature is None else temperature
        request = {
            "model": name,
            "messages": prompt.messages(context.text, **values),
            "max_tokens": prompt.max_tokens,
            "temperature": warmth,
            "response_format": _response_format(prompt, count, fields),
            "stop": STOP,
        }
        bad: parse.BadReply | None = None
        room = True
        for attempt in range(CONTENT_TRIES):
            if attempt:
                # The same question in the same words would get the same broken reply from a greedy model.
                request["temperature"] = max(warmth, min(1.0, warmth + 0.3 * attempt))
                more = room and bad is not None and bad.reason == "truncated"
                request["max_tokens"] = prompt.max_tokens * (2 if more else 1)
            body = orjson.dumps(request)
            key = call_key(self.tenant_id, prompt, body, attempt + CONTENT_TRIES * sample)
            estimate = len(body) // 4 + prompt.max_tokens // 4
            place, shared = context.id, not prompt.document
            call = _Call(key, prompt.step, role, name, body, estimate, place, ahead, shared=shared)
            try:
                return parse.reply(parse.content(await self._reply(call)), prompt.reply, count)
            except parse.BadReply as failure:
                bad = failure
            except Refused as refusal:
                if request["max_tokens"] == prompt.max_tokens or refusal.reason not in NO_ROOM:
                    raise
                room = False  # twice the tokens are more than the model's context: not what is wrong with the row
        assert bad is not None
        raise Refused(bad.reason, bad.detail)

    async def loss(
        self, *, context: Context | None, prefix: str, text: str, ahead: int, role: str = "trainee"
    ) -> float:
        """See `app.llm.protocol.Model.loss`."""
        name = self.roles.name(role)
        body = orjson.dumps(loss.request(name, prefix, text))
        key = hashlib.sha256(f"{self.tenant_id}\0{loss.STEP}\0".encode() + body).digest()
        place = context.id if context else key.hex()
        call = _Call(key, loss.STEP, role, name, body, len(body) // 4 + 1, place, ahead, loss.PATH)
        found = await self._reply(call)
        if not loss.has_logprobs(found):
            raise ModelUnusable(NO_LOGPROBS, f"the server of model {self.roles.name(role)!r} gave no prompt_logprobs")
        try:
            return loss.mean(found, text)
        except parse.BadReply as failure:
            raise Refused(failure.reason, failure.detail) from failure

    async def _reply(self, call: "_Call") -> Any:
        """The JSON of the reply to this call, from the ledger or from the server, and then in the ledger."""
        paying, mark = self.ledger.paying, (self.tenant_id, call.key)
        known = call.shared or not self.fresh or call.key in self.made or mark in paying
        raw = await self._look_up(call.key) if known else None
        self.made.add(call.key)
        if raw is None:
            done = paying[mark] = asyncio.get_running_loop().create_future()
            try:
                raw = await self._pay(call)
            finally:
                del paying[mark]
                done.set_result(None)
        else:
            self.replayed += 1
        return parse.envelope(raw)

    async def _look_up(self, key: bytes) -> bytes | None:
        """The reply under this key, if it was paid for. None of a unit's first calls found: then no later one is asked.

        All of them, because they are made together (one for each type of question): a crash may have come between two.
        """
        if self.fresh:  # one of its own calls again, or one that another unit pays for just now
            return await self._paid(key)
        self.looking += 1
        try:
            raw = await self._paid(key)
        finally:
            self.looking -= 1
        self.found = self.found or raw is not None
        self.fresh = not (self.found or self.looking)
        return raw

    async def _paid(self, key: bytes) -> bytes | None:
        """The reply under this key, waiting for it if another unit of this process is paying for it just now."""
        while True:
            raw = await self.ledger.find(self.tenant_id, key)
            if raw is not None or (paying := self.ledger.paying.get((self.tenant_id, key))) is None:
                return raw
            await asyncio.shield(paying)

    async def _pay(self, call: "_Call") -> bytes:
        pool = self.roles.pool(call.role)
        lane = self.homes[pool, call.place] = pool.lane(self.homes.get((pool, call.place)))
        self.on_ask()
        turn = Turn(self.place, self.left, call.ahead)
        if not self.budget.reserve(call.estimate):
            raise BudgetSpent("budget_spent", "the dataset's budget of calls or tokens is spent")
        used: parse.Usage | None = None

        async def save(raw: bytes) -> None:
            nonlocal used
            used = parse.usage(parse.envelope(raw))
            await self.ledger.record(
                CallRow(
                    tenant_id=self.tenant_id,
                    call_key=call.key,
                    dataset_id=self.dataset_id,
                    unit_id=self.unit_id,
                    step=call.step,
                    model=call.model,
                    reply=raw,
                    usage=used,
                )
            )

        try:
            waits = (self.tenant_id, self.dataset_id, turn, call.body, len(call.body) // 4)
            return await lane.submit(*waits, save, pool.lanes, call.path)
        except Rejected as rejection:
            code = _code(rejection, call.path)
            if code in ("model_not_found", "model_auth", NO_LOGPROBS):
                raise ModelUnusable(code, rejection.detail) from rejection
            raise Refused(code, rejection.detail) from rejection
        finally:
            self.budget.settle(call.estimate, used)


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, its ledger key, and where it goes: `place` chooses among a role's servers. `estimate`: tokens."""

    key: bytes
    step: str
    role: str
    model: str
    body: bytes
    estimate: int
    place: str
    ahead: int
    path: str = CHAT
    shared: bool = False  # another unit may make the very same call


def _code(rejection: Rejected, path: str) -> str:
    """Our code for a refusal. A server that cannot do prompt_logprobs may have no such page, or no such field.

    Only a 404 that names the model, and not the page, means that there is no such model.
    """
    said = rejection.detail.lower()
    if path == loss.PATH and rejection.code == "model_not_found" and ("model" not in said or "completions" in said):
        return NO_LOGPROBS
    if path == loss.PATH and rejection.code == "request_rejected" and "logprob" in said:
        return NO_LOGPROBS
    return rejection.code


def call_key(tenant_id: str, prompt: Prompt, body: bytes, sample_index: int) -> bytes:
    """SHA-256 of all that shapes a reply: tenant, prompt id and hash, messages, model, sampling, sample index.

    `body` is the request as sent, which holds messages, model and sampling in a fixed order.
    """
    head = f"{tenant_id}\0{prompt.id}\0{prompt.sha256}\0{sample_index}\0".encode()
    return hashlib.sha256(head + body).digest()


def _response_format(prompt: Prompt, count: int | None, fields: Mapping[str, Any] | None) -> dict[str, Any]:
    name, schema = prompt.output.lower(), prompt.reply.schema_for(count)
    if fields:
        schema = schema | {"properties": schema["properties"] | dict(fields)}
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "schema": schema, "strict": True},
    }
