"""The bodies of the OpenAI protocol as vLLM writes them: completions, stream frames, errors, model list, metrics."""

import time
from collections.abc import Iterator
from typing import Any

import orjson

DONE = b"data: [DONE]\n\n"
VERSION = "0.32.0"


def tokens_in(text: str) -> int:
    """Four characters are one token."""
    return (len(text) + 3) // 4


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def completion(
    name: str, model: str, contents: list[str | None], finish: str, counts: dict[str, int], chat: bool
) -> dict[str, Any]:
    """A whole reply with one choice for each of `contents`."""
    choices: list[dict[str, Any]] = []
    for index, content in enumerate(contents):
        said = {"message": {"role": "assistant", "content": content}} if chat else {"text": content}
        choices.append({"index": index, **said, "logprobs": None, "finish_reason": finish})
    kind = "chat.completion" if chat else "text_completion"
    return {
        "id": name, "object": kind, "created": int(time.time()), "model": model, "choices": choices, "usage": counts
    }  # fmt: skip


def frames(
    name: str, model: str, contents: list[str], finish: str, counts: dict[str, int] | None, chat: bool
) -> Iterator[bytes]:
    """The same reply as server-sent events, about twenty characters an event; `counts` gives a last usage event."""
    head = {
        "id": name,
        "object": "chat.completion.chunk" if chat else "text_completion",
        "created": int(time.time()),
        "model": model,
    }

    def event(index: int, text: str, reason: str | None) -> bytes:
        said = {"delta": {"content": text}} if chat else {"text": text}
        return sse(head | {"choices": [{"index": index, **said, "logprobs": None, "finish_reason": reason}]})

    for index, content in enumerate(contents):
        if chat:
            role = {"index": index, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
            yield sse(head | {"choices": [role]})
        for start in range(0, len(content), 20):
            yield event(index, content[start : start + 20], None)
        yield event(index, "", finish)
    if counts is not None:
        yield sse(head | {"choices": [], "usage": counts})
    yield DONE


def sse(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def error(message: str, kind: str, code: int, param: str | None = None) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def no_such_model(model: object) -> bytes:
    return error(f"The model `{model}` does not exist.", "NotFoundError", 404, "model")


def too_long(limit: int, asked: int) -> bytes:
    message = (
        f"This model's maximum context length is {limit} tokens. However, your request has {asked} input tokens. "
        "Please reduce the length of the input messages."
    )
    return error(message, "BadRequestError", 400)


def too_many(limit: int, asked: int) -> bytes:
    """More tokens asked for than the model can hold at all, in vLLM's words."""
    said = f"max_tokens={asked} cannot be greater than max_model_len={limit}. Please request fewer output tokens."
    return error(said, "BadRequestError", 400)


def model_list(model: str, limit: int) -> bytes:
    card = {
        "id": model, "object": "model", "created": int(time.time()), "owned_by": "vllm", "root": model, "parent": None,
        "max_model_len": limit,
    }  # fmt: skip
    return orjson.dumps({"object": "list", "data": [card]})


def metrics(model: str, gauges: dict[str, float], counters: dict[str, float], finished: dict[str, int]) -> bytes:
    """Prometheus text with vLLM's names and labels."""
    label = f'engine="0",model_name="{model}"'
    lines: list[str] = []
    for kind, values in (("gauge", gauges), ("counter", counters)):
        for name, value in values.items():
            lines += [f"# TYPE vllm:{name} {kind}", f"vllm:{name}{{{label}}} {float(value)}"]
    lines.append("# TYPE vllm:request_success_total counter")
    for reason, times in finished.items():
        lines.append(f'vllm:request_success_total{{{label},finished_reason="{reason}"}} {float(times)}')
    return ("\n".join(lines) + "\n").encode()
