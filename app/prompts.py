"""Load `prompts/<step>/<name>.v<N>.md`: YAML front matter, then a Jinja instruction.

The prefix rule is kept by construction: every prompt is the shared preamble (system), the document between tags, and
only then the instruction, so all calls about one context share their longest prefix (and the server's KV cache of it).
Prompts about an instruction that stands alone (`document: false`) have a preamble of their own, and the instruction
that they are about takes the document's place.
"""

import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template, meta
from pydantic import BaseModel, ConfigDict, Field

from app import replies

ROOT = Path(__file__).parent.parent / "prompts"
PREAMBLE = "shared/preamble@1"
ASSISTANT = "shared/assistant@1"  # the preamble of prompts without a document
LANGUAGES = {
    "en": "English", "ru": "Russian", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian",
    "pt": "Portuguese", "nl": "Dutch", "pl": "Polish", "uk": "Ukrainian", "cs": "Czech", "sv": "Swedish",
    "tr": "Turkish", "ja": "Japanese", "ko": "Korean", "zh": "Chinese", "ar": "Arabic", "hi": "Hindi",
}  # fmt: skip

_FENCE = re.compile(r"<(/?)document", re.I)
_INNER_FENCE = re.compile(r"<(/?)(instruction|answer|evolved)\b", re.I)
_jinja = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)


class Example(BaseModel):
    """One filled-in prompt: what goes in, and a reply that would be right. A test, and documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    document: str = ""
    inputs: dict[str, Any] = Field(default_factory=dict)
    output: dict[str, Any]


class FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    summary: str
    document: bool = True
    inputs: list[str] = Field(default_factory=list)
    output: str
    temperature: float
    max_tokens: int
    example: Example


class Prompt(FrontMatter):
    """A released prompt. `sha256` covers its file and the preamble, so it names the exact words a model was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    id: str
    sha256: str
    system: str
    source: str
    template: Template = Field(repr=False, exclude=True)

    @property
    def step(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def reply(self) -> type[replies.Reply]:
        return replies.shape(self.output)

    def variables(self) -> set[str]:
        """The names the template reads."""
        return meta.find_undeclared_variables(_jinja.parse(self.source))

    def messages(self, document: str, **values: Any) -> list[dict[str, str]]:
        """Chat messages: preamble, then the document, then the instruction. Raises jinja2.UndefinedError.

        A prompt without a document ignores `document`: what it is about is in `values`.
        """
        if not self.document:
            said = self.template.render({name: _fenced(value) for name, value in values.items()})
            return [{"role": "system", "content": self.system}, {"role": "user", "content": said}]
        document = _FENCE.sub(r"< \1document", document)  # a document must not close its own fence
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": f"<document>\n{document}\n</document>\n\n{self.template.render(values)}"},
        ]


def _fenced(value: Any) -> Any:
    """The value with no tag in it that would end the fence it stands in."""
    if isinstance(value, str):
        return _INNER_FENCE.sub(r"< \1\2", value)
    return [_fenced(one) for one in value] if isinstance(value, list) else value


def _path(ref: str) -> Path:
    name, version = ref.split("@")
    return ROOT / f"{name}.v{version}.md"


@cache
def load(ref: str) -> Prompt:
    """`load("answer/grounded@1")`. Raises FileNotFoundError, or pydantic's ValidationError for bad front matter."""
    raw = _path(ref).read_text()
    _, header, body = re.split(r"^---$", raw, maxsplit=2, flags=re.M)
    front = FrontMatter.model_validate(yaml.safe_load(header))
    preamble = _path(PREAMBLE if front.document else ASSISTANT).read_text()
    template = _jinja.from_string(body.strip())
    template.globals = dict(template.globals)  # Jinja's chain of maps costs more to go through than a prompt to write
    return Prompt(
        **front.model_dump(exclude={"example"}),
        example=front.example,
        id=ref,
        sha256=sha256(preamble.encode() + b"\0" + raw.encode()).hexdigest(),
        system=preamble.strip(),
        source=body.strip(),
        template=template,
    )


def all_refs() -> list[str]:
    """Every prompt there is, the preambles (which are no prompts by themselves) left out."""
    found = sorted(ROOT.glob("*/*.v*.md"))
    refs = [f"{path.parent.name}/{path.name.removesuffix('.md').replace('.v', '@')}" for path in found]
    return [ref for ref in refs if ref not in (PREAMBLE, ASSISTANT)]


def lock() -> dict[str, str]:
    """`prompts.lock`: file -> SHA-256 of every released prompt."""
    lines = (ROOT / "prompts.lock").read_text().splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines if line.strip())}


def file_hashes() -> dict[str, str]:
    """The same, computed from the files as they are now."""
    files = sorted(ROOT.glob("*/*.v*.md"))
    return {path.relative_to(ROOT).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}
