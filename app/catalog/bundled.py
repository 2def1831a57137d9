"""What a trainer needs beside the rows: files that tell it where they are, and in which columns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from app.catalog.kinds import Shape

_TURNS_AND_TEXT: frozenset[Shape] = frozenset({"chat", "preference", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """A bundle as its files for trainers see it. Paths are relative to the bundle's folder, where commands are given.

    `name`: letters, digits, hyphens. `builder`: the name by which `datasets` knows the container. `validation`: None
    when no row is held out. `columns`: those that some row has.
    """

    name: str
    format: str
    builder: str
    train: str
    validation: str | None
    columns: frozenset[str]
    base_model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """A program that trains, and the files by which it finds a bundle's rows.

    `formats`: those it can read. `shapes`: of which rows; pairs of whole conversations are not for all. `tools`: the
    formats in which it reads calls of tools. `containers`: by their catalogue names. `files(bundled)`: text by name,
    below `trainers/<trainer>/` of the bundle.
    `commands(bundled)`: how it is started, in the bundle's folder.
    """

    summary: str
    formats: frozenset[str]
    files: Callable[[Bundled], dict[str, str]]
    commands: Callable[[Bundled], list[str]]
    shapes: frozenset[Shape] = _TURNS_AND_TEXT
    tools: frozenset[str] = frozenset()
    containers: frozenset[str] = frozenset({"jsonl", "jsonl_gz", "parquet"})

    def reads(self, format: str, shape: str, container: str) -> bool:
        able = format in self.tools if shape == "tools" else format in self.formats and shape in self.shapes
        return able and container in self.containers


def yaml_file(comment: str, values: dict[str, Any]) -> str:
    """A YAML file whose first lines are a comment."""
    said = "".join(f"# {line}\n" for line in comment.splitlines())
    return said + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)
