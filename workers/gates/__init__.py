"""Measure a row and drop it at the first gate it does not pass, the cheapest gates first.

One module measures one metric of the catalogue, or several that come of one model call:

    async def measure(work: Work, row: Sample, *, ahead: int) -> Measured

`PROMPTS`, if the module has it, names the prompts it sends, for the row's lineage.
"""

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

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
    met = set(work.gates) - skipped(work, row)
    modules = _modules(tuple(sorted(met if only is None else met & only)))
    calls = [_cost(names)[0] for _, names in modules]
    for place, (module, names) in enumerate(modules):
        try:
            measured = await module.measure(work, row, ahead=sum(calls[place:]) + ahead)
        except Refused as refusal:
            return drop(row, f"judge_{refusal.reason}", refusal.detail)
        verdicts = tuple(_verdict(work, name, *found) for name, found in measured.items() if name in names)
        changed: dict[str, Any] = {"verdicts": row.verdicts + verdicts}
        if sent := getattr(module, "PROMPTS", ()):
            changed["lineage"] = work.lineage((*row.lineage.get("prompts", ()), *sent))
        row = row.model_copy(update=changed)
        for verdict in verdicts:
            if not verdict.passed:
                detail = f"{verdict.metric} {verdict.score:g}: {verdict.reason}"
                return drop(row, catalog.METRICS[verdict.metric].reason, detail)
    return row


def calls(work: Work) -> int:
    """Model calls of all gates for one row that passes them."""
    return sum(_cost(names)[0] for _, names in _modules(tuple(sorted(work.gates))))


def skipped(work: Work, row: Sample) -> frozenset[str]:
    """Metrics that make no sense for this kind of row: the task says which."""
    return catalog.TASKS[work.task].skips.get(row.kind, frozenset())


def drop(row: Sample, reason: str, detail: str) -> Dropped:
    """The row as a dropped one: all of it is kept, for the report and for repair."""
    return Dropped(reason=reason, detail=detail, **{name: getattr(row, name) for name in Sample.model_fields})


@cache
def _modules(names: tuple[str, ...]) -> list[tuple[ModuleType, list[str]]]:
    """(module, its metrics among `names`), the cheapest first: text alone, then local models, then model calls."""
    by_module: dict[str, list[str]] = {}
    for name in names:
        by_module.setdefault(catalog.METRICS[name].measured_by or name, []).append(name)
    ordered = sorted(by_module.items(), key=lambda item: (_cost(item[1]), item[0]))
    return [(import_module(f"workers.gates.{module}"), found) for module, found in ordered]


def _cost(names: list[str]) -> tuple[int, bool]:
    metrics = [catalog.METRICS[name] for name in names]
    return max(metric.calls for metric in metrics), any(metric.local for metric in metrics)


def _verdict(work: Work, name: str, score: float, reason: str) -> Verdict:
    passed = catalog.METRICS[name].passes(score, work.gates[name])
    return Verdict(metric=name, score=score, reason=reason, passed=passed)
