"""The handlers of the fake model server: answer, or break as the script says, and bill what was sent whole."""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import orjson
from aiohttp import web
from pydantic import ValidationError

from tests.fakes import envelope, garbage, wire
from tests.fakes.bill import BillWriter
from tests.fakes.call import BadRequest, Call, read_call, read_prompts, write_answers
from tests.fakes.faults import Decider, Fault, Script, Transport, share
from tests.fakes.logprobs import prompt_logprobs
from tests.fakes.state import State

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
STATUS_FAULTS = {"http_500": 500, "http_503": 503, "http_429": 429, "poison": 500, "context_too_long": 400}
ANY_MODEL = "fake-model"
TRANSPORT = frozenset(get_args(Transport))


class ModelServer:
    """The handlers, and all the server's state: counters, script, bill."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.model: str | None = options.model
        self.limit: int = options.max_model_len
        self.latency: float = options.latency_ms / 1000
        self.prompt_logprobs: bool = not options.no_prompt_logprobs
        self.state = State()
        self.decider = Decider(Script.model_validate_json(options.script.read_bytes()) if options.script else Script())
        self.slots = asyncio.Semaphore(options.slots)
        self.down_until = 0.0
        self.bill = BillWriter(options.bill) if options.bill else None
        self.planted = BillWriter(options.planted) if options.planted else None
        self.routes: dict[tuple[str, str], Handler] = {
            ("POST", "/v1/chat/completions"): lambda request: self.complete(request, chat=True),
            ("POST", "/v1/completions"): lambda request: self.complete(request, chat=False),
            ("POST", "/tokenize"): self.tokenize,
            ("POST", "/fake/script"): self.set_script,
        }
        self.pages: dict[tuple[str, str], Callable[[], bytes]] = {
            ("GET", "/v1/models"): lambda: envelope.model_list(self.model or ANY_MODEL, self.limit),
            ("GET", "/health"): lambda: b"",
            ("GET", "/version"): lambda: orjson.dumps({"version": envelope.VERSION}),
            ("GET", "/metrics"): lambda: self.state.metrics(self.model or ANY_MODEL),
            ("GET", "/fake/stats"): lambda: orjson.dumps(self.state.stats()),
            ("POST", "/fake/reset"): self.reset,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request comes through here; the `/fake/` pages answer even while the server plays dead."""
        route = (request.method, request.path)
        if not request.path.startswith("/fake/"):
            self._refuse_if_down(request)
        if handler := self.routes.get(route):
            return await handler(request)
        if page := self.pages.get(route):
            kind = "text/plain" if request.path == "/metrics" else wire.JSON
            return await wire.send_whole(request, page(), kind)
        return await wire.send_whole(request, orjson.dumps({"detail": "Not Found"}), status=404)

    def _refuse_if_down(self, request: web.BaseRequest) -> None:
        self.state.arrivals += 1
        now = time.monotonic()
        if now >= self.down_until:
            fault = self.decider.refusal(self.state.arrivals)
            if fault is None:
                return
            self.down_until = now + (fault.seconds or 0)
        self.state.faults["refuse"] += 1
        wire.reset(request)

    async def complete(self, request: web.BaseRequest, chat: bool) -> web.StreamResponse:
        state = self.state
        raw = await request.read()
        state.requests += 1
        state.waiting += 1
        counted = "waiting"
        try:
            async with self.slots:
                state.waiting -= 1
                state.running += 1
                counted = "running"
                state.peak_running = max(state.peak_running, state.running)
                return await self._answer(request, raw, chat)
        except wire.Severed:
            raise
        except (asyncio.CancelledError, ConnectionResetError):
            state.aborted += 1
            raise
        finally:
            setattr(state, counted, getattr(state, counted) - 1)

    async def _answer(self, request: web.BaseRequest, raw: bytes, chat: bool) -> web.StreamResponse:
        state = self.state
        try:
            call = read_call(raw, request.headers, chat)
        except BadRequest as error:
            return await self._error(request, 400, envelope.error(str(error), "BadRequestError", 400))
        seen = state.seen[call.key]
        state.seen[call.key] += 1
        if call.step:
            state.steps[call.step] += 1
        if self.model is not None and call.model != self.model:
            return await self._error(request, 404, envelope.no_such_model(call.model))
        if (call.max_tokens or 0) > self.limit:
            return await self._error(request, 400, envelope.too_many(self.limit, call.max_tokens or 0))
        if call.prompt_tokens >= self.limit:
            return await self._error(request, 400, envelope.too_long(self.limit, call.prompt_tokens))
        prompts = read_prompts(call)
        fault = self._choose(call, seen, has_parent=prompts[0].question is not None)
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault is not None:
            state.faults[fault.fault] += 1
            if (failed := await self._fail(request, call, fault, seen)) is not None:
                return failed
        for prompt in prompts:
            state.look_up(prompt)
        contents = write_answers(call, prompts, fault, self.decider.script.habits)
        finish = _shorten(call, contents, fault)
        return await self._reply(request, call, contents, finish, fault, seen)

    def _choose(self, call: Call, seen: int, has_parent: bool) -> Fault | None:
        if not self.decider.script.faults:
            return None
        fields = call.fields() if self.decider.reads_fields else ()
        return self.decider.choose(call.key, seen, "\n".join(call.texts), call.step, fields, has_parent)

    async def _fail(self, request: web.BaseRequest, call: Call, fault: Fault, seen: int) -> web.StreamResponse | None:
        """Play a fault that leaves no reply, or return None where a reply still follows."""
        name = fault.fault
        if name in TRANSPORT:
            self._plant(call, fault, None)
        if name in STATUS_FAULTS:
            code = fault.status or STATUS_FAULTS[name]
            if name == "context_too_long":
                return await self._error(request, code, envelope.too_long(self.limit, self.limit + 1))
            headers = {"Retry-After": f"{fault.seconds if fault.seconds is not None else 1:g}"}
            body = envelope.error(f"scripted {name}", "InternalServerError", code)
            return await self._error(request, code, body, headers if code in (429, 503) else None)
        if name == "hang":
            await asyncio.sleep(fault.seconds if fault.seconds is not None else 1e9)
            wire.hang_up(request)
        if name == "slow":
            await asyncio.sleep(fault.seconds if fault.seconds is not None else 1)
        where = fault.where or ("before" if share("where", call.key, seen) < 0.5 else "middle")
        if name == "disconnect" and where == "before":
            wire.hang_up(request)
        return None

    async def _error(
        self, request: web.BaseRequest, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> web.StreamResponse:
        self.state.statuses[status] += 1
        return await wire.send_whole(request, body, status=status, headers=headers)

    async def _reply(
        self, request: web.BaseRequest, call: Call, contents: list[str], finish: str, fault: Fault | None, seen: int
    ) -> web.StreamResponse:
        """Send the reply as the fault has it, and only then write it on the bill."""
        name = fault.fault if fault else ""
        model = str(call.model or ANY_MODEL) + ("-other" if name == "wrong_model" else "")
        tokens = sum(map(envelope.tokens_in, contents))
        counts = envelope.usage(call.prompt_tokens, tokens)
        reply_id = f"{'chatcmpl' if call.chat else 'cmpl'}-{call.key[:24]}"
        said: str | None = contents[0]
        kind = wire.EVENTS if call.stream else wire.JSON
        if fault is not None and name == "garbage":
            bad = fault.body or garbage.NAMES[int(share("garbage", call.key, seen) * len(garbage.NAMES))]
            self.state.faults[f"garbage:{bad}"] += 1
            said = garbage.CONTENTS.get(bad)
            whole = envelope.completion(reply_id, model, [said], finish, counts, call.chat)
            body, kind = garbage.BODIES[bad] if bad in garbage.BODIES else (garbage.encode(whole), wire.JSON)
            response = await wire.send_whole(request, body, kind)
        elif call.stream:
            last = counts if call.stream_usage else None
            frames = list(envelope.frames(reply_id, model, contents, finish, last, call.chat))
            response = await self._send(request, fault, frames, kind)
        else:
            whole = envelope.completion(reply_id, model, list(contents), finish, counts, call.chat)
            if call.prompt_logprobs and self.prompt_logprobs:
                for choice in whole["choices"]:
                    choice["prompt_logprobs"] = prompt_logprobs(call.texts[choice["index"] // call.copies])
            response = await self._send(request, fault, [orjson.dumps(whole)], kind)
        self._paid(call, tokens, finish)
        if fault is not None and name not in TRANSPORT:
            self._plant(call, fault, said)
        return response

    async def _send(
        self, request: web.BaseRequest, fault: Fault | None, frames: list[bytes], kind: str
    ) -> web.StreamResponse:
        body = b"".join(frames)
        if fault is not None and fault.fault == "drip":
            return await wire.drip(request, body, kind, 1 if fault.seconds is None else fault.seconds, fault.endless)
        if fault is not None and fault.fault == "disconnect":
            await wire.send_half(request, body, kind)
        if kind == wire.EVENTS:
            return await wire.send_frames(request, frames)
        return await wire.send_whole(request, body, kind)

    def _paid(self, call: Call, tokens: int, finish: str) -> None:
        state = self.state
        state.replies += 1
        state.statuses[200] += 1
        state.finished[finish] += 1
        state.prompt_tokens += call.prompt_tokens
        state.generated_tokens += tokens
        if self.bill is not None:
            line = {"t": time.time(), "key": call.key, "prompt_sha": call.prompt_sha, "step": call.step}
            self.bill.append(line | {"status": 200, "tokens": tokens})

    def _plant(self, call: Call, fault: Fault, said: str | None) -> None:
        """Note a fault that reached the client (or took its reply away), with the text that was said."""
        if self.planted is not None:
            text = said[:4000].encode("utf-8", "replace").decode() if said is not None else None
            line = {"t": time.time(), "fault": fault.fault, "prompt_sha": call.prompt_sha, "key": call.key}
            self.planted.append(line | {"step": call.step, "said": text})

    async def tokenize(self, request: web.BaseRequest) -> web.StreamResponse:
        body: dict[str, Any] = orjson.loads(await request.read())
        messages = body.get("messages")
        text = "\n".join(str(one.get("content", "")) for one in messages) if messages else str(body.get("prompt", ""))
        count = envelope.tokens_in(text)
        reply = {"count": count, "max_model_len": self.limit, "tokens": list(range(count)), "token_strs": None}
        return await wire.send_whole(request, orjson.dumps(reply))

    async def set_script(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            script = Script.model_validate_json(await request.read())
        except ValidationError as error:
            return await wire.send_whole(request, error.json().encode(), status=400)
        self.decider = Decider(script)
        self.down_until = 0.0
        if script.latency_ms is not None:
            self.latency = script.latency_ms / 1000
        return await wire.send_whole(request, b"{}")

    def reset(self) -> bytes:
        """Forget all counts; what is running and waiting now goes on being so. The bill is never shortened."""
        self.state.clear()
        self.decider = Decider(self.decider.script)
        self.down_until = 0.0
        return b"{}"

    def close(self) -> None:
        for writer in (self.bill, self.planted):
            if writer is not None:
                writer.close()


def _shorten(call: Call, contents: list[str], fault: Fault | None) -> str:
    """Cut the contents where a fault or the token limit says so, in place; returns the finish reason."""
    if fault is not None and fault.fault in ("length", "truncated_json"):
        contents[:] = [content[: len(content) * 3 // 5] for content in contents]
        return "length" if fault.fault == "length" else "stop"
    most = call.max_tokens * 4 if call.max_tokens else None
    if most is None or all(len(content) <= most for content in contents):
        return "stop"
    contents[:] = [content[:most] for content in contents]
    return "length"
