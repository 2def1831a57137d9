"""A base model's folder read without torch: its size, its tokenizer, its chat template, its licence."""

import hashlib
import re
import struct
from collections.abc import Iterable
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import orjson
from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from app.trainings.rows import Chat, Labelled, Pair, Prompt, Row, Text, Turn

_TURN = 8  # tokens around a turn, where the template cannot be rendered here
_LICENCES = ("LICENSE", "LICENCE", "COPYING", "NOTICE")
_GENERATION = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")


class NotAModel(Exception):
    """The folder cannot be trained on; the message says what is missing."""


class BaseModel:
    """A model's folder as Transformers writes it. Raises NotAModel when its configuration or tokenizer is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = self._json("config.json")
        if not self.config:
            raise NotAModel("there is no config.json")
        if not (folder / "tokenizer.json").is_file():
            raise NotAModel("there is no tokenizer.json")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        found = orjson.loads(path.read_bytes()) if path.is_file() else {}
        return found if isinstance(found, dict) else {}

    @cached_property
    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Shapes by name, from the headers of the safetensors files; empty where there are none."""
        shapes: dict[str, tuple[int, ...]] = {}
        for path in sorted(self.folder.glob("*.safetensors")):
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header = orjson.loads(file.read(length))
            shapes |= {name: tuple(of["shape"]) for name, of in header.items() if name != "__metadata__"}
        return shapes

    @property
    def experts(self) -> int:
        """Experts of each layer that has some; 0 in a dense model."""
        of_text = self.config.get("text_config")
        config = of_text if isinstance(of_text, dict) else self.config
        counts = (config.get(name) for name in ("num_local_experts", "num_experts", "n_routed_experts"))
        return next((count for count in counts if isinstance(count, int)), 0)

    @property
    def parameters(self) -> int:
        return sum(prod(shape) for shape in self.tensors.values())

    @cached_property
    def linear(self) -> list[tuple[int, ...]]:
        """Shapes of the layers an adapter goes to: matrices that are neither embeddings nor the head."""
        outside = re.compile(r"embed|lm_head|norm|wte|wpe|router|\.gate\.weight$")
        return [shape for name, shape in self.tensors.items() if len(shape) == 2 and not outside.search(name)]

    @cached_property
    def template(self) -> str | None:
        """The chat template; None: the model has none."""
        path = self.folder / "chat_template.jinja"
        if path.is_file():
            return path.read_text()
        found = self._json("tokenizer_config.json").get("chat_template")
        return found if isinstance(found, str) else None

    @property
    def template_sha256(self) -> str | None:
        return hashlib.sha256(self.template.encode()).hexdigest() if self.template else None

    @cached_property
    def licence(self) -> str | None:
        """The name of a licence file, or what a model card states."""
        for path in sorted(self.folder.iterdir()):
            if path.stem.upper() in _LICENCES:
                return path.name
        card = self.folder / "README.md"
        stated = re.search(r"^license:\s*(\S+)", card.read_text(errors="replace"), re.M) if card.is_file() else None
        return stated[1] if stated else None

    def lengths(self, rows: Iterable[Row]) -> Iterable[int]:
        """Tokens of each row, as they will be trained on; of a pair those of its longer side."""
        for row in rows:
            if isinstance(row, Text):
                yield len(self.tokenizer.encode(row.text, add_special_tokens=False).ids) + 1
            elif isinstance(row, Pair):
                yield max(self._chat(row.prompt + way, row.tools) for way in (row.chosen, row.rejected))
            elif isinstance(row, Labelled):
                yield self._chat(row.prompt + row.completion, row.tools)
            elif isinstance(row, Chat):
                yield self._chat(row.turns, row.tools)
            elif isinstance(row, Prompt):
                yield self._chat(row.prompt, row.tools)

    def _chat(self, turns: list[Turn], tools: list[Any] | None) -> int:
        text = self._rendered(turns, tools)
        if text is not None:
            return len(self.tokenizer.encode(text, add_special_tokens=False).ids)
        counted = (len(self.tokenizer.encode(str(t["content"]), add_special_tokens=False).ids) for t in turns)
        return sum(counted) + _TURN * len(turns)

    def _rendered(self, turns: list[Turn], tools: list[Any] | None) -> str | None:
        if self._compiled is None:
            return None
        try:
            return str(self._compiled.render(messages=turns, tools=tools, add_generation_prompt=False, **self._special))
        except (TemplateError, TypeError, KeyError):
            return None

    @cached_property
    def _compiled(self) -> Any:
        if self.template is None:
            return None
        world = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        world.filters["tojson"] = lambda value, **_: orjson.dumps(value).decode()
        world.globals |= {"raise_exception": _refuse, "strftime_now": lambda _: "01 Jan 2026"}
        try:
            return world.from_string(_GENERATION.sub("", self.template))
        except TemplateError:
            return None

    @cached_property
    def _special(self) -> dict[str, str]:
        """bos_token, eos_token and the like, as templates name them."""
        found = self._json("tokenizer_config.json")
        named = {name: value for name, value in found.items() if name.endswith("_token")}
        return {n: v["content"] if isinstance(v, dict) else v for n, v in named.items() if isinstance(v, str | dict)}


def _refuse(message: str) -> None:
    raise TemplateError(message)
