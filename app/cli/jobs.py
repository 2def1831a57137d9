"""A fine-tuning job as the command line follows it: what is said of it, until it has ended."""

import time

import typer

from app.cli.failures import CANCELLED, FAILED
from app.cli.service import Json, Service, segment
from app.cli.terminal import Terminal

POLL_SECONDS = 1.0
FINAL = ("succeeded", "failed", "cancelled")
JOB = "ftjob_"
PATH = "/v1/fine_tuning/jobs"


def follow(service: Service, terminal: Terminal, job_id: str) -> Json:
    """Print what is said of it until it has ended; the job as it is then."""
    path, seen = f"{PATH}/{segment(job_id)}", 0
    terminal.if_interrupted = f"Interrupted. The job goes on; see it again with: corpusmith watch {job_id}"
    while True:
        job = service.get(path)
        seen = _tell(service, terminal, path, seen)
        if job["status"] in FINAL:
            return job
        time.sleep(POLL_SECONDS)


def _tell(service: Service, terminal: Terminal, path: str, seen: int) -> int:
    """What was said since event number `seen`, oldest first; the numbers of steps only now and then."""
    fresh = []
    for event in service.each(f"{path}/events"):
        if _number(event) <= seen:
            break
        fresh.append(event)
    for event in reversed(fresh):
        if event["type"] == "metrics":
            terminal.progress(event["message"])
        else:
            terminal.note(event["message"], {"warn": "yellow", "error": "red"}.get(event["level"], ""))
    return max([seen, *map(_number, fresh)])


def _number(event: Json) -> int:
    return int(event["id"].rpartition("_")[2])


def numbers(job: Json) -> str:
    """Steps done, of how many."""
    ours = job["corpusmith"]
    return f"{ours['step']}/{ours['steps']}" if ours["steps"] else ""


def conclude(terminal: Terminal, job: Json) -> None:
    """Say how it ended. Raises typer.Exit unless it succeeded."""
    terminal.record(job)
    became = f": {job['fine_tuned_model']}" if job["fine_tuned_model"] else ""
    terminal.line(f"{job['id']} {job['status']}{became}")
    for name, value in sorted(job["corpusmith"]["metrics"].items()):
        terminal.line(f"  {name} {value:.6g}")
    if error := job["error"]:
        terminal.note(f"Error: {error['message']} ({error['code']})", "red")
    if job["fine_tuned_model"]:
        terminal.note(f"Get its files with: corpusmith export-model {job['id']}")
    if job["status"] != "succeeded":
        raise typer.Exit(CANCELLED if job["status"] == "cancelled" else FAILED)
