"""`corpusmith pause`, `resume` and `cancel`: a dataset or fine-tuning job, held, taken up again, ended."""

from typing import Annotated

import typer

from app.cli import jobs
from app.cli.options import ApiKey, AsJson, Url
from app.cli.service import connected, segment

DatasetId = Annotated[str, typer.Argument(help="As `corpusmith datasets` or `trainings` lists it")]


def pause(dataset_id: DatasetId, url: Url = "", api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """Make no more model calls for a dataset, or train a job no further, until it is resumed."""
    _act("pause", dataset_id, url, api_key, as_json)


def resume(dataset_id: DatasetId, url: Url = "", api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """Go on with a paused dataset or job; nothing that was paid for is paid for again."""
    _act("resume", dataset_id, url, api_key, as_json)


def cancel(dataset_id: DatasetId, url: Url = "", api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """End a dataset or job now, and keep the rows accepted so far."""
    _act("cancel", dataset_id, url, api_key, as_json)


def _act(verb: str, dataset_id: str, url: str, api_key: str, as_json: bool) -> None:
    with connected(url, api_key, as_json) as (terminal, service):
        if dataset_id.startswith(jobs.JOB):
            job = service.post(f"{jobs.PATH}/{segment(dataset_id)}/{verb}")
            terminal.line(f"{job['id']} {job['status']}: {jobs.numbers(job) or 'no'} steps")
            terminal.record(job)
            return
        dataset = service.post(f"/v1/datasets/{segment(dataset_id)}/{verb}")
        terminal.line(f"{dataset['id']} {dataset['status']}: {dataset['accepted']} rows accepted")
        terminal.record(dataset)
