"""`corpusmith export`: a dataset's accepted rows as a file on this machine."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli.download import download
from app.cli.failures import FAILED, Failure, usage
from app.cli.options import ApiKey, AsJson, Author, BaseModel, License, Title, Trainers, Url
from app.cli.service import Json, Service, connected, segment
from app.cli.terminal import Terminal

POLL_SECONDS = 0.5


class Split(StrEnum):
    """Which rows."""

    all = "all"
    train = "train"
    validation = "validation"


def export(
    dataset_id: Annotated[str, typer.Argument(help="A dataset that has ended")],
    format: Annotated[str, typer.Option(help="As `corpusmith catalog` lists them")] = "messages",
    container: Annotated[
        str, typer.Option(help="Kind of file: jsonl, jsonl.gz, parquet, csv, as `corpusmith catalog` lists them")
    ] = "jsonl",
    spreadsheet_safe: Annotated[
        bool, typer.Option("--spreadsheet-safe", help="csv: no cell can be taken for a formula")
    ] = False,
    include_sources: Annotated[
        bool, typer.Option("--include-sources", help="Add sources and scores to each row")
    ] = False,
    split: Annotated[Split, typer.Option(help="Which rows")] = Split.all,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="Also a ZIP with card, licence, metadata and files for trainers")
    ] = False,
    trainer: Trainers = None,
    base_model: BaseModel = None,
    title: Title = None,
    author: Author = None,
    license: License = None,
    output: Annotated[Path, typer.Option(help="Folder to write to", file_okay=False)] = Path(),
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Export a dataset and download it, with its manifest.

    A broken download goes on where it broke off when the command is given again.
    """
    wanted: Json = {
        "format": format,
        "container": container,
        "spreadsheet_safe": spreadsheet_safe,
        "include_sources": include_sources,
    }
    told = bundled(trainers=trainer, base_model=base_model, title=title, author=author, license=license)
    if bundle:
        wanted["bundle"] = told
    with connected(url, api_key, as_json) as (terminal, service):
        if told and not bundle:
            raise usage(f"--{next(iter(told)).removesuffix('s').replace('_', '-')} is for --bundle")
        made = make(service, terminal, dataset_id, wanted)
        path, manifest = save(service, terminal, made, output, split)
        terminal.line(str(path))
        found = {"path": str(path), "manifest": str(manifest), "split": split.value, "export": made}
        if bundle:
            packed = path.with_name(f"{manifest.name.removesuffix('.manifest.json')}-bundle.zip")
            download(service, terminal, made["files"]["bundle.zip"], packed)
            terminal.line(str(packed))
            found["bundle"] = str(packed)
        terminal.record(found)


def bundled(**given: object) -> Json:
    """What a request says of its bundle; what was not given is the service's to choose."""
    return {name: value for name, value in given.items() if value}


def make(service: Service, terminal: Terminal, dataset_id: str, wanted: Json) -> Json:
    """A finished export. Raises Failure when it failed."""
    made = service.post(f"/v1/datasets/{segment(dataset_id)}/exports", wanted)
    terminal.if_interrupted = f"Interrupted. The export {made['id']} goes on; the same command makes it again"
    terminal.note(f"Export {made['id']}")
    while made["status"] not in ("succeeded", "failed"):
        terminal.progress(f"The export is {made['status']}")
        time.sleep(POLL_SECONDS)
        made = service.get(f"/v1/exports/{segment(made['id'])}")
    if made["status"] == "failed":
        error = made["error"] or {"code": "failed", "message": "the export failed"}
        raise Failure(FAILED, str(error["code"]), str(error["message"]))
    return made


_MARKS = {"include_sources": "sources", "spreadsheet_safe": "safe"}  # of options that change the rows


def save(service: Service, terminal: Terminal, made: Json, output: Path, split: Split) -> tuple[Path, Path]:
    """Download the rows and the manifest. Raises Failure when there are no rows."""
    part = "data" if split is Split.all else split.value
    name = next(name for name in made["files"] if name.startswith(f"{part}."))
    file = made["files"][name]
    if not file["rows"]:
        raise Failure(FAILED, "no_rows", f"The export has no {'' if split is Split.all else split.value + ' '}rows")
    # The same rows give the same name: what an interrupted command left behind is found again.
    marks = "".join(f"-{mark}" for option, mark in _MARKS.items() if made["options"].get(option))
    stem = f"{made['dataset_id']}-{made['format']}{marks}"
    path = output / f"{stem}{'' if split is Split.all else '-' + split.value}.{name.partition('.')[2]}"
    manifest = output / f"{stem}.manifest.json"
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(FAILED, "not_written", f"{output} cannot be made: {error.strerror}") from None
    download(service, terminal, file, path)
    download(service, terminal, made["files"]["manifest.json"], manifest)
    return path, manifest
