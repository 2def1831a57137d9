"""`corpusmith samples`: a dataset's rows, kept and dropped, each with the text it rests on."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.options import ApiKey, AsJson, Limit, Url
from app.cli.service import Json, connected, segment


class State(StrEnum):
    """What became of a row."""

    accepted = "accepted"
    dropped = "dropped"


def samples(
    dataset_id: Annotated[str, typer.Argument(help="As `corpusmith datasets` lists it")],
    state: Annotated[State | None, typer.Option(help="Only these")] = None,
    reason: Annotated[str | None, typer.Option(help="Only rows dropped for this")] = None,
    limit: Limit = 20,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show rows with their source: document, page and characters."""
    with connected(url, api_key, as_json) as (terminal, service):
        path = f"/v1/datasets/{segment(dataset_id)}/samples"
        found = list(service.each(path, limit, state=state and state.value, reason=reason))
        rows = [(row["question"], row["answer"], fate(row), source(row)) for row in found]
        terminal.table("question", "answer", "state", "source", rows=rows)
        terminal.record(found)


def fate(row: Json) -> str:
    """Accepted, or why not."""
    if row["state"] == "accepted":
        return f"accepted ({row['kind']})"
    return f"{row['reason']}: {row['detail']}" if row["detail"] else str(row["reason"])


def source(row: Json) -> str:
    """Where the words stand that the answer rests on."""
    return "\n".join(_place(span) for span in row["sources"])


def _place(span: Json) -> str:
    page = f"page {span['page']}, " if span["page"] else ""
    return f"{span['document_name']}, {page}characters {span['start']}-{span['end']}"
