"""The kinds of thing a user can choose and a contributor can add: an entry of the catalogue is one of these."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from app.domain import Sample


class Options(BaseModel):
    """A task's own options, validated when a dataset is asked for; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetTask:
    """What can be made. `cost(options)` is the number of model calls for one context in which nothing is dropped."""

    summary: str
    options: type[Options]
    gates: dict[str, float]
    cost: Callable[[Any], int]
    rows: Callable[[Any], int]
    prompts: tuple[str, ...]
    example: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """How a row is written. `render` gives one JSON object; `example` is what it gives for the documented row."""

    summary: str
    render: Callable[[Sample], dict[str, Any]]
    loads_with: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number every row gets, and the threshold (`keep_at_least`) below which the row is dropped with `reason`."""

    summary: str
    low: float
    high: float
    keep_at_least: float
    reason: str
    calls: int = field(default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """An Evol-Instruct operator (arXiv 2304.12244): in depth (harder) or in breadth (wider)."""

    summary: str
    direction: Literal["depth", "breadth"]
    prompt: str
