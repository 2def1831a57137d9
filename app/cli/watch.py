"""`corpusmith watch`: follow a dataset, or a fine-tuning job, to its end."""

import time
from typing import Annotated

import typer

from app.cli import jobs
from app.cli.failures import CANCELLED, FAILED
from app.cli.options import ApiKey, AsJson, Url
from app.cli.service import Json, Service, connected, segment
from app.cli.terminal import Terminal
from app.cli.view import DatasetView, drops

POLL_SECONDS = 1.0
FINAL = ("succeeded", "failed", "cancelled")


def watch(
    dataset_id: Annotated[str, typer.Argument(help="As `generate` printed it; or a job, as `train` did")],
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Follow a dataset or a fine-tuning job until it ends.

    Exits 0 when it has rows (a job: when it succeeded), 1 when it failed, 5 when it was cancelled.
    """
    with connected(url, api_key, as_json) as (terminal, service):
        if dataset_id.startswith(jobs.JOB):
            jobs.conclude(terminal, jobs.follow(service, terminal, dataset_id))
            return
        conclude(terminal, follow(service, terminal, dataset_id))


def follow(service: Service, terminal: Terminal, dataset_id: str) -> Json:
    """Show how far it is until it has ended; the dataset as it is then."""
    path, etag = f"/v1/datasets/{segment(dataset_id)}", ""
    terminal.if_interrupted = f"Interrupted. The job goes on; see it again with: corpusmith watch {dataset_id}"
    dataset: Json = {}
    with DatasetView(terminal) as view:
        while dataset.get("status") not in FINAL:
            if dataset:
                time.sleep(POLL_SECONDS)
            reply = service.send("GET", path, headers={"If-None-Match": etag} if etag else {})
            if reply.status_code != 304:
                dataset, etag = service.read(reply), reply.headers.get("etag", "")
            view.show(dataset)
    return dataset


def conclude(terminal: Terminal, dataset: Json) -> None:
    """Say how it ended. Raises typer.Exit unless it succeeded with rows."""
    terminal.record(dataset)
    terminal.line(f"{dataset['id']} {dataset['status']}: {dataset['accepted']} rows accepted")
    if dataset["dropped"]:
        terminal.line(f"dropped: {drops(dataset)}")
    if dataset["shortfall"]:
        terminal.line(f"short: {dataset['shortfall']}")
    if error := dataset["error"]:
        terminal.note(f"Error: {error['message']} ({error['code']})", "red")
    if dataset["status"] == "cancelled":
        raise typer.Exit(CANCELLED)
    if dataset["status"] == "failed" or not dataset["accepted"]:
        raise typer.Exit(FAILED)
