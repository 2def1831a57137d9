"""`corpusmith rebuild` and `diff`: a dataset made again of a corpus that changed, and what changed in it."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.options import ApiKey, AsJson, Limit, Url
from app.cli.service import Json, connected, segment
from app.cli.watch import conclude, follow


class Change(StrEnum):
    """What became of a row."""

    added = "added"
    removed = "removed"
    changed = "changed"
    kept = "kept"


def rebuild(
    dataset_id: Annotated[str, typer.Argument(help="As `corpusmith datasets` lists it")],
    name: Annotated[str | None, typer.Option(help="Name of the new dataset; default: the same")] = None,
    watch: Annotated[bool, typer.Option(help="Follow it to its end")] = True,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Make a dataset again of its corpus as it is now; what did not change is not paid for again."""
    with connected(url, api_key, as_json) as (terminal, service):
        wanted = {"name": name} if name else {}
        dataset = service.post(f"/v1/datasets/{segment(dataset_id)}/rebuild", wanted)
        if watch:
            terminal.note(f"Dataset {dataset['id']}")
            conclude(terminal, follow(service, terminal, dataset["id"]))
        else:
            terminal.line(dataset["id"])
            terminal.record(dataset)


def diff(
    first: Annotated[str, typer.Argument(help="The older dataset")],
    second: Annotated[str, typer.Argument(help="The newer one")],
    change: Annotated[Change | None, typer.Option(help="Only these rows; default: all that are not the same")] = None,
    limit: Limit = 20,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Say what became of a dataset's rows in another one."""
    with connected(url, api_key, as_json) as (terminal, service):
        path = f"/v1/datasets/{segment(first)}/diff/{segment(second)}"
        wanted = change and change.value
        page = service.get(path, change=wanted, limit=1)
        terminal.line(", ".join(f"{name} {count}" for name, count in page["counts"].items()))
        found = list(service.each(path, limit, change=wanted))
        rows = [(row["change"], row["question"], _said(row["before"]), _said(row["after"])) for row in found]
        terminal.table("change", "question", "before", "after", rows=rows)
        terminal.record({"counts": page["counts"], "rows": found})


def _said(side: Json | None) -> str:
    return side["answer"] if side else ""
