"""`corpusmith corpora`, `datasets` and `catalog`: what there is, and what can be asked for."""

from typing import Annotated

import typer

from app.cli.options import ApiKey, AsJson, Limit, Url
from app.cli.service import Json, connected
from app.cli.view import drops


def corpora(limit: Limit = 20, url: Url = "", api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """List corpora, newest first."""
    with connected(url, api_key, as_json) as (terminal, service):
        found = list(service.each("/v1/corpora", limit))
        terminal.table("id", "name", "made", rows=[(c["id"], c["name"], _moment(c["created_at"])) for c in found])
        terminal.record(found)


def datasets(
    corpus: Annotated[str | None, typer.Option(help="Only those of this corpus (id)")] = None,
    limit: Limit = 20,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """List datasets, newest first."""
    with connected(url, api_key, as_json) as (terminal, service):
        found = list(service.each("/v1/datasets", limit, corpus_id=corpus))
        rows = [
            (d["id"], d["name"], d["task"], d["status"], d["accepted"], drops(d), _moment(d["created_at"]))
            for d in found
        ]
        terminal.table("id", "name", "task", "status", "rows", "dropped", "made", rows=rows)
        terminal.record(found)


def catalog(url: Url = "", api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """Show what can be asked for: tasks with their options and gates, formats, metrics, evolutions."""
    with connected(url, api_key, as_json) as (terminal, service):
        found = service.get("/v1/catalog")
        for name, task in found["tasks"].items():
            gates = ", ".join(f"{metric} {value:g}" for metric, value in task["gates"].items())
            terminal.line(f"Task {name}: {task['summary']}\ngates: {gates}")
            terminal.table("option", "default", "what it is", rows=_options(task["options"]))
        for title in ("formats", "containers", "trainers", "metrics", "evolutions"):
            rows = [(name, _range(entry), entry["summary"]) for name, entry in found[title].items()]
            terminal.table("name", "", "what it is", rows=rows, title=title.capitalize())
        terminal.record(found)


def _options(schema: Json) -> list[tuple[object, ...]]:
    """Of a JSON schema: each property with its default, description and bounds."""
    rows: list[tuple[object, ...]] = []
    for name, option in schema["properties"].items():
        bounds = [
            f"{word} {option[key]}" for key, word in (("minimum", "at least"), ("maximum", "at most")) if key in option
        ]
        default = option.get("default")
        shown = ", ".join(map(str, default)) if isinstance(default, list) else default
        rows.append((name, shown, "; ".join([option.get("description", ""), *bounds])))
    return rows


def _range(entry: Json) -> str:
    """What is short and worth knowing of a catalogue entry beside its summary."""
    if "range" in entry:
        low, high = entry["range"]
        return f"{low:g} to {high:g}, kept {'from' if entry['keep'] == 'least' else 'up to'} {entry['threshold']:g}"
    return str(entry.get("direction") or entry.get("loads_with") or "")


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")
