"""`corpusmith mix`: rows of several datasets in set shares, as a dataset of their own."""

from typing import Annotated

import typer

from app.cli.failures import usage
from app.cli.options import ApiKey, AsJson, Url
from app.cli.service import Json, connected
from app.cli.watch import conclude, follow


def mix(
    sources: Annotated[list[str], typer.Argument(help="Datasets, each with its weight: dst_a=3 dst_b=1")],
    rows: Annotated[int | None, typer.Option(help="Rows wanted; default: as many as the weights allow", min=1)] = None,
    seed: Annotated[int, typer.Option(help="The same seed takes the same rows")] = 0,
    repeat: Annotated[int, typer.Option(help="A row may be there so often where there are too few", min=1)] = 1,
    name: Annotated[str, typer.Option(help="Name of the dataset")] = "mix",
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Mix datasets that have ended. Each gives its share; no row is there twice; what is held out stays so."""
    with connected(url, api_key, as_json) as (terminal, service):
        options = {"sources": [source(text) for text in sources], "repeat": repeat}
        wanted: Json = {"task": "mix", "name": name, "seed": seed, "options": options}
        dataset = service.post("/v1/datasets", wanted | ({"rows": rows} if rows else {}))
        terminal.note(f"Dataset {dataset['id']}")
        found = follow(service, terminal, dataset["id"])
        parts = [(part["dataset_id"], part["wanted"], part["taken"], part["missing"]) for part in found["parts"]]
        terminal.table("of dataset", "wanted", "taken", "missing", rows=parts)
        conclude(terminal, found)


def source(text: str) -> Json:
    """`dst_a=3` as a source; without a weight it is 1."""
    dataset_id, _, weight = text.partition("=")
    try:
        return {"dataset_id": dataset_id, "weight": float(weight or 1)}
    except ValueError:
        raise usage(f"{text!r} must be a dataset, or dataset=weight") from None
