"""One request to the model, read from its body, and the text a model would answer it with."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from tests.fakes.content_faults import same_reply, spoil, spoil_prose
from tests.fakes.document import Prompt, read_prompt, reworded
from tests.fakes.envelope import tokens_in
from tests.fakes.faults import Fault, Habits
from tests.fakes.habits import ranking, varied
from tests.fakes.instance import Scene, Schema, build, fields_of, scene_for

STEP = "x-corpusmith-step"


class BadRequest(ValueError):
    """The request is not one a model server can answer."""


@dataclass(slots=True)
class Call:
    """A parsed request. `texts` holds one prompt (several for a batch completion), each answered `copies` times."""

    key: str
    prompt_sha: str
    step: str | None
    model: object
    temperature: object
    texts: list[str]
    schema: Schema | None
    json_object: bool
    choice: list[str] | None
    copies: int
    stream: bool
    stream_usage: bool
    max_tokens: int | None
    echo: bool
    prompt_logprobs: bool
    chat: bool

    @property
    def prompt_tokens(self) -> int:
        return sum(map(tokens_in, self.texts))

    def fields(self) -> set[str]:
        """What a content fault can take hold of; prose counts as an answer."""
        return {"answer"} if self.schema is None else set(fields_of(self.schema))


def read_call(raw: bytes, headers: Mapping[str, str], chat: bool) -> Call:
    """Raises BadRequest, saying what is wrong, as vLLM's 400 does."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"There was an error parsing the body: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("The body is not an object.")
    texts = [_chat_text(body.get("messages"))] if chat else _prompts(body.get("prompt"))
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    answer_as = body.get("response_format") or {}
    structured = body.get("structured_outputs") or {}
    schema = (answer_as.get("json_schema") or {}).get("schema") or structured.get("json") or body.get("guided_json")
    metadata = body.get("metadata") or {}
    said = str(headers.get(STEP) or metadata.get(STEP) or "").split()
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Call(
        key=sha256(canonical).hexdigest(),
        prompt_sha=sha256("\0".join(texts).encode()).hexdigest(),
        step=said[0] if said else None,
        model=body.get("model"),
        temperature=body.get("temperature"),
        texts=texts,
        schema=schema,
        json_object=answer_as.get("type") == "json_object",
        choice=structured.get("choice") or body.get("guided_choice"),
        copies=int(body.get("n") or 1),
        stream=bool(body.get("stream")),
        stream_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        max_tokens=int(limit) if limit else None,
        echo=bool(body.get("echo")),
        prompt_logprobs=body.get("prompt_logprobs") is not None,
        chat=chat,
    )


def _chat_text(messages: object) -> str:
    if not isinstance(messages, list) or not messages:
        raise BadRequest("`messages` must be a list with at least one message.")
    parts: list[str] = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            content = "\n".join(str(part.get("text", "")) for part in content)
        parts.append(str(content or ""))
    return "\n".join(parts)


def _prompts(prompt: object) -> list[str]:
    if isinstance(prompt, str):
        return [prompt]
    if isinstance(prompt, list) and prompt and all(isinstance(one, str) for one in prompt):
        return list(prompt)
    raise BadRequest("`prompt` must be a string or a list of strings.")


def write_answers(call: Call, prompts: list[Prompt], fault: Fault | None, habits: Habits) -> list[str]:
    """The text of every choice: honest, or with a content fault in it."""
    answers: list[str] = []
    for prompt in prompts:
        for copy in range(call.copies):
            seed = int.from_bytes(sha256(f"{copy}\0{prompt.text}".encode()).digest()[:4])
            scene = scene_for(prompt, seed, low=fault is not None and fault.fault == "low_score")
            text = _answer(call, scene, fault, habits)
            answers.append(prompt.text + text if call.echo else text)
    return answers


def read_prompts(call: Call) -> list[Prompt]:
    return [read_prompt(text) for text in call.texts]


def _answer(call: Call, scene: Scene, fault: Fault | None, habits: Habits) -> str:
    name = fault.fault if fault else ""
    if call.choice:
        return call.choice[0] if name != "low_score" else call.choice[-1]
    if call.schema is not None:
        made = _built(call, call.schema, scene, habits)
        value = same_reply(call.schema) if name == "same_answer" else spoil(name, made, scene)
        return orjson.dumps(value).decode()
    prose = "As was said before." if name == "same_answer" else spoil_prose(name, _prose(scene), scene)
    return orjson.dumps({"answer": prose}).decode() if call.json_object else prose


def _built(call: Call, schema: Schema, scene: Scene, habits: Habits) -> Any:
    fields = set(schema.get("properties", ()))
    if fields == {"grades"} and (found := ranking(scene, habits)) and not scene.low:
        return found
    made = build(schema, scene)
    answers = "answer" in fields and "question" not in fields and scene.prompt.question
    return varied(made, scene, call.model, call.temperature) if habits.varied and answers else made


def _prose(scene: Scene) -> str:
    """Up to three sentences of the document; with a question in the prompt, the one that answers it."""
    document = scene.document
    if scene.prompt.question:
        return reworded(document, document.sentences[scene.sentence], scene.seed)
    size = len(document.sentences)
    return " ".join(document.sentences[(scene.sentence + i) % size] for i in range(min(3, size)))
