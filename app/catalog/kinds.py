"""The kinds of thing a user can choose and a contributor can add: an entry of the catalogue is one of these."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from app.domain import Sample


class Options(BaseModel):
    """A task's own options, validated when a dataset is asked for; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


# What a row is: turns, turns in which tools are called, a chosen and a rejected answer, a chosen and a rejected way in
# which a conversation went on, or plain text.
Shape = Literal["chat", "tools", "preference", "trajectories", "text"]


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of the installation (`pip install corpusmith[name]`), and a module by which it is known."""

    name: str
    module: str

    @property
    def missing(self) -> bool:
        return find_spec(self.module) is None


@dataclass(frozen=True, slots=True)
class Carried:
    """For a task that needs no corpus: the one document that its options hold, stored as a corpus of its name.

    `document(options)` gives its bytes, or None when the options hold none; `option` is the one that should.
    """

    name: str
    document: Callable[[Any], bytes | None]
    option: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetTask:
    """What can be made. `cost(options)` is the number of model calls for one context, the gates' left out.

    `skips`: for rows of these kinds, the metrics that say nothing about them. `kinds(options)`: how many rows of each
    kind one context gives on average; without it all rows meet all gates. `chunks(options)`: the fewest chunks a
    context must have. `grouping(options)`: what these options need of grouping, where the request says nothing of it;
    `across(options)`: whether its contexts must hold chunks of several documents. `source`: what the corpus holds; it
    names a planner of `workers.plan.SOURCES`. `needs(options)`: the settings without which these options cannot run.
    `repairable`: whether dropped rows can be written anew.
    `shaped(options)`: the shape of the rows, where it depends on the options. `rounds`: how often a context is worth
    asking. `measured_by`: the metrics that can measure its rows (None: all that do not say otherwise).
    `alike(question, answer, attributes)`: the words by which near copies are told; None: question and answer.
    `categories`: what a Hugging Face hub calls such a task, on dataset cards.
    """

    summary: str
    options: type[Options]
    gates: dict[str, float]
    cost: Callable[[Any], int]
    rows: Callable[[Any], int]
    prompts: tuple[str, ...]
    example: dict[str, Any]
    skips: dict[str, frozenset[str]] = field(default_factory=dict)
    kinds: Callable[[Any], dict[str, float]] | None = None
    chunks: Callable[[Any], int] | None = None
    grouping: Callable[[Any], dict[str, Any]] | None = None
    across: Callable[[Any], bool] | None = None
    shape: Shape = "chat"
    shaped: Callable[[Any], Shape] | None = None
    source: str = "documents"
    carried: Carried | None = None
    extra: Extra | None = None
    needs: Callable[[Any], list[str]] | None = None
    repairable: bool = True
    rounds: int = 4
    measured_by: frozenset[str] | None = None
    alike: Callable[[str, str, dict[str, Any]], str] | None = None
    categories: tuple[str, ...] = ("text-generation",)

    def calls(self, options: dict[str, Any], gates: dict[str, float], metrics: Mapping[str, "Metric"]) -> int:
        """Model calls for one context in which nothing is dropped, its rows' gates included."""
        chosen = self.options.model_validate(options)
        kinds = self.kinds(chosen) if self.kinds else {"": float(self.rows(chosen))}
        gated = sum(rows * self._gate_calls(kind, gates, metrics) for kind, rows in kinds.items())
        return self.cost(chosen) + math.ceil(round(gated, 6))

    def shape_of(self, options: dict[str, Any]) -> Shape:
        """What the rows are that these options make."""
        return self.shaped(self.options.model_validate(options)) if self.shaped else self.shape

    def _gate_calls(self, kind: str, gates: dict[str, float], metrics: Mapping[str, "Metric"]) -> int:
        """Model calls of the gates that a row of this kind meets; one module's metrics share its calls."""
        met = [name for name in gates if name not in self.skips.get(kind, ())]
        return sum({metrics[name].measured_by or name: metrics[name].calls for name in met}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """How a row is written: as one JSON object, or as several (KTO writes an answer a line). `shapes`: of which rows;
    `tasks`: of which tasks' rows (None: of all).

    A preference row can be written in a chat format too: its chosen answer is what the model should say. `once`: a line
    that a context's earlier row has given already is not written again (all pairs of a ranking share its answers).
    `json_members`: members, at any depth, whose objects may have any keys. A container with typed columns holds them as
    JSON text; a column for each key would give every row the keys of all the others.
    """

    summary: str
    render: Callable[[Sample], dict[str, Any] | list[dict[str, Any]]]
    loads_with: str
    shapes: frozenset[Shape] = frozenset({"chat", "preference", "trajectories"})
    tasks: frozenset[str] | None = None
    once: bool = False
    json_members: frozenset[str] = frozenset({"tools", "arguments", "parameters"})

    def holds(self, task: str, shape: Shape) -> bool:
        """Whether it can hold such rows of this task."""
        return shape in self.shapes and (self.tasks is None or task in self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A kind of file that rows are written to, in whatever format; `workers.containers` has its writer.

    Its files are called `train.<suffix>` and so on. `extra`: the optional part of the installation that writes it.
    `options`: the fields of a request for an export that only this container knows. `builder`: what the `datasets`
    library calls it. `packed`: compressing it once more is in vain.
    """

    summary: str
    suffix: str
    media_type: str
    loads_with: str
    builder: str
    packed: bool = False
    extra: Extra | None = None
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number a row gets, and the threshold at which it is dropped with `reason`: below it, or above it for `most`.

    `measured_by` is the module of `workers.gates` that measures it (one may measure several); None: the one of its
    name. `calls` are the model calls that module makes for a row; `local`: it runs a model of its own in the worker;
    `needs` names the setting without which it cannot be measured; `tasks` the tasks whose rows it can measure (None:
    all).
    """

    summary: str
    low: float
    high: float
    threshold: float
    reason: str
    keep: Literal["least", "most"] = "least"
    measured_by: str | None = None
    calls: int = field(default=0)
    local: bool = field(default=False)
    needs: str | None = None
    tasks: frozenset[str] | None = None

    def passes(self, score: float, threshold: float) -> bool:
        """A threshold of 0 records the score and passes every row."""
        return threshold == 0 or (score >= threshold if self.keep == "least" else score <= threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """An Evol-Instruct operator (arXiv 2304.12244): in depth (harder) or in breadth (wider).

    `prompt` evolves a question about a document, `instruction_prompt` an instruction that stands alone.
    """

    summary: str
    direction: Literal["depth", "breadth"]
    prompt: str
    instruction_prompt: str
