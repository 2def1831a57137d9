"""The report as one HTML page: styles inside, no scripts, nothing fetched, every text escaped."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from app.reports import charts
from app.reports.schemas import Named, ReportRead

FOLDER = Path(__file__).parent


class _Row(NamedTuple):
    name: str
    accepted: int
    dropped: int
    total: int


def render(report: ReportRead) -> str:
    """The whole page."""
    spec = json.dumps(report.dataset.spec, ensure_ascii=False, indent=2)
    return _template().render(r=report, spec=spec, css=Markup(style()), policy=policy(), charts=charts, named=_rows)


@cache
def policy() -> str:
    """The Content-Security-Policy that the page lives with: its own style by hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def style() -> str:
    """The style sheet of all pages."""
    return (FOLDER / "page.css").read_text()


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, finalize=_clean,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": _number, "percent": _percent}
    return environment.get_template("page.html")


def _clean(value: Any) -> Any:
    """Of every value that is put into the page; charts are markup already and have cleaned theirs."""
    return charts.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _rows(rows: list[Named]) -> list[_Row]:
    return [_Row(row.name, row.accepted, row.dropped, row.accepted + row.dropped) for row in rows]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _percent(share: float) -> str:
    """Never 100 % or 0 % for what is only nearly so."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{share * 100:.1f}".removesuffix(".0") + " %" if not 0.9995 <= share < 1 else "> 99.9 %"
