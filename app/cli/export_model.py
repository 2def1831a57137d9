"""`corpusmith export-model`: a trained model as files on this machine."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli.download import download
from app.cli.export import POLL_SECONDS
from app.cli.failures import FAILED, Failure
from app.cli.jobs import PATH
from app.cli.options import ApiKey, AsJson, Url
from app.cli.service import Json, Service, connected, segment
from app.cli.terminal import Terminal

ARCHIVE = "adapter.zip"


class Kind(StrEnum):
    """What of it."""

    adapter = "adapter"
    merged = "merged"


class Precision(StrEnum):
    """Of merged weights."""

    bf16 = "bf16"
    f16 = "f16"


def export_model(
    job_id: Annotated[str, typer.Argument(help="A fine-tuning job that has succeeded (ftjob_...)")],
    kind: Annotated[
        Kind, typer.Option(help="adapter: the PEFT folder; merged: whole weights as safetensors")
    ] = Kind.adapter,
    precision: Annotated[Precision, typer.Option(help="Of merged weights")] = Precision.bf16,
    base_model: Annotated[
        str | None, typer.Option(help="The base model's name on a hub, for the card", show_default=False)
    ] = None,
    license: Annotated[
        str | None, typer.Option(help="SPDX identifier for the card, such as Apache-2.0", show_default=False)
    ] = None,
    archive: Annotated[bool, typer.Option("--archive", help=f"Of an adapter: {ARCHIVE} and no other file")] = False,
    output: Annotated[Path, typer.Option(help="Folder to write to", file_okay=False)] = Path(),
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Write a trained model as files, with a model card, and download them.

    A broken download goes on where it broke off when the command is given again.
    """
    wanted: Json = {"kind": kind.value, "precision": precision.value}
    wanted |= {name: value for name, value in {"base_model": base_model, "license": license}.items() if value}
    with connected(url, api_key, as_json) as (terminal, service):
        made = _made(service, terminal, job_id, wanted)
        names = [name for name in made["files"] if (name == ARCHIVE) == archive]
        if not names:
            raise Failure(FAILED, "no_archive", "merged weights are no archive: leave --archive out")
        folder = output / f"{job_id}-{kind.value}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(FAILED, "not_written", f"{folder} cannot be made: {error.strerror}") from None
        for name in names:
            download(service, terminal, made["files"][name], folder / name)
        terminal.line(str(folder))
        terminal.record({"path": str(folder), "export": made})


def _made(service: Service, terminal: Terminal, job_id: str, wanted: Json) -> Json:
    """A finished export. Raises Failure when it failed."""
    made = service.post(f"{PATH}/{segment(job_id)}/exports", wanted)
    terminal.if_interrupted = "Interrupted. The export goes on; the same command finds it again"
    terminal.note(f"Export {made['id']}")
    while made["status"] not in ("succeeded", "failed"):
        terminal.progress(f"The export is {made['status']}")
        time.sleep(POLL_SECONDS)
        made = service.get(f"/v1/fine_tuning/exports/{segment(made['id'])}")
    if error := made["error"]:
        raise Failure(FAILED, str(error["code"]), str(error["message"]))
    return made
