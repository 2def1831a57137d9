"""`corpusmith generate`: ask for a dataset, and follow it."""

import json
from typing import Annotated, Any

import typer

from app.cli.failures import usage
from app.cli.options import ApiKey, AsJson, Url
from app.cli.service import Json, connected
from app.cli.watch import conclude, follow


def generate(
    corpus_id: Annotated[
        str | None, typer.Argument(help="The corpus to make rows of; none for a task that needs no documents")
    ] = None,
    task: Annotated[str, typer.Option(help="What to make, see `corpusmith catalog`")] = "grounded_qa",
    name: Annotated[str, typer.Option(help="Name of the dataset")] = "dataset",
    rows: Annotated[int | None, typer.Option(help="Accepted rows wanted; default: one pass over all", min=1)] = None,
    option: Annotated[list[str] | None, typer.Option(help="key=value, of the task's options; value as in JSON")] = None,
    gate: Annotated[list[str] | None, typer.Option(help="metric=lowest value kept; 0 keeps all")] = None,
    model: Annotated[str | None, typer.Option(help="Generator model; default: the service's")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1; default: each document's own")] = None,
    seed: Annotated[int, typer.Option(help="The same seed over the same documents makes the same calls")] = 0,
    chunk_size: Annotated[int | None, typer.Option(help="Characters (or tokens) of a chunk")] = None,
    splitter: Annotated[str | None, typer.Option(help="recursive, headings or tokens")] = None,
    chunks_per_context: Annotated[int | None, typer.Option(help="Chunks that are read together")] = None,
    max_calls: Annotated[int | None, typer.Option(help="Plan no more work after so many model calls")] = None,
    watch: Annotated[bool, typer.Option(help="Follow it to its end")] = True,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Make a dataset from a corpus.

    The service makes it: this command may be interrupted, and `corpusmith watch` follows it again.
    """
    with connected(url, api_key, as_json) as (terminal, service):
        wanted = request(
            corpus_id, task=task, name=name, rows=rows, model=model, language=language, seed=seed,
            options=pairs("--option", option), gates=pairs("--gate", gate),
            chunking={"size": chunk_size, "splitter": splitter},
            grouping={"chunks_per_context": chunks_per_context}, budget={"max_calls": max_calls},
        )  # fmt: skip
        dataset = service.post("/v1/datasets", wanted)
        if watch:
            terminal.note(f"Dataset {dataset['id']}")
            conclude(terminal, follow(service, terminal, dataset["id"]))
        else:
            terminal.line(dataset["id"])
            terminal.record(dataset)


def request(corpus_id: str | None, **given: Any) -> Json:
    """The body of POST /v1/datasets: what was not given is left to the service."""

    def only(values: Json) -> Json:
        return {name: value for name, value in values.items() if value is not None}

    full = {name: only(value) if isinstance(value, dict) else value for name, value in given.items()}
    return only({"corpus_id": corpus_id}) | {name: value for name, value in only(full).items() if value != {}}


def pairs(option: str, given: list[str] | None) -> Json:
    """`key=value` texts; a value that is JSON (3, true, ["deepen"]) is taken as that, any other as text."""
    found: Json = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise usage(f"{option} {text!r} must be key=value")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found
