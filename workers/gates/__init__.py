"""Measure a row and drop it at the first gate it does not pass, the cheapest gates first.

One module measures one metric of the catalogue, or several that come of one model call:

    async def measure(work: Work, row: Sample, *, ahead: int) -> Measured

`PROMPTS`, if the module has it, names the prompts it sends, for the row's lineage.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType

from app import catalog
from app.domain import Dropped, Sample, Verdict
from app.llm.protocol import Refused
from workers.recipes.work import Work

Measured = dict[str, tuple[float, str]]  # metric -> (score, why)


async def check(work: Work, row: Sample, *, ahead: int = 0, only: frozenset[str] | None = None) -> Sample | Dropped:
    """The row with its verdicts, or the first gate's reason against it. `ahead`: calls that follow once it passes.

    `only`: no other metrics than these.

    Gates are those of `work.gates`; those the task says nothing can be learnt from for such a row are left out.
    """
    met = work.gates.keys() if only is None else work.gates.keys() & only
    gates = _gates(frozenset(met) - skipped(work, row))
    still = ahead + sum(gate.calls for gate in gates)
    verdicts = list(row.verdicts)
    for gate in gates:
        try:
            measured = await gate.module.measure(work, row, ahead=still)
        except Refused as refusal:
            return drop(_with(row, verdicts), f"judge_{refusal.reason}", refusal.detail)
        still -= gate.calls
        if gate.prompts:
            row = row.model_copy(update={"lineage": work.lineage((*row.lineage.get("prompts", ()), *gate.prompts))})
        found = [_verdict(work, name, *measured[name]) for name in measured if name in gate.metrics]
        verdicts += found
        if missed := next((verdict for verdict in found if not verdict.passed), None):
            detail = f"{missed.metric} {missed.score:g}: {missed.reason}"
            return drop(_with(row, verdicts), catalog.METRICS[missed.metric].reason, detail)
    return _with(row, verdicts)


def calls(work: Work) -> int:
    """Model calls of all gates for one row that passes them."""
    return sum(gate.calls for gate in _gates(frozenset(work.gates)))


def skipped(work: Work, row: Sample) -> frozenset[str]:
    """Metrics that make no sense for this kind of row: the task says which."""
    return catalog.TASKS[work.task].skips.get(row.kind, frozenset())


def drop(row: Sample, reason: str, detail: str) -> Dropped:
    """The row as a dropped one: all of it is kept, for the report and for repair."""
    return Dropped(reason=reason, detail=detail, **{name: getattr(row, name) for name in Sample.model_fields})


@dataclass(frozen=True, slots=True)
class _Gate:
    """A module of this folder, what it asks and costs, and which of its metrics are wanted."""

    module: ModuleType
    metrics: frozenset[str]
    calls: int
    prompts: tuple[str, ...]


@cache
def _gates(names: frozenset[str]) -> list[_Gate]:
    """The modules that measure `names`, the cheapest first: text alone, then local models, then model calls."""
    by_module: dict[str, list[str]] = {}
    for name in sorted(names):
        by_module.setdefault(catalog.METRICS[name].measured_by or name, []).append(name)
    ordered = sorted(by_module.items(), key=lambda item: (_cost(item[1]), item[0]))
    modules = [(import_module(f"workers.gates.{module}"), found) for module, found in ordered]
    return [
        _Gate(module, frozenset(found), _cost(found)[0], getattr(module, "PROMPTS", ())) for module, found in modules
    ]


def _cost(names: list[str]) -> tuple[int, bool]:
    metrics = [catalog.METRICS[name] for name in names]
    return max(metric.calls for metric in metrics), any(metric.local for metric in metrics)


def _with(row: Sample, verdicts: list[Verdict]) -> Sample:
    return row.model_copy(update={"verdicts": tuple(verdicts)})


def _verdict(work: Work, name: str, score: float, reason: str) -> Verdict:
    passed = catalog.METRICS[name].passes(score, work.gates[name])
    return Verdict(metric=name, score=score, reason=reason, passed=passed)
