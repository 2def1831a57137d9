"""`corpusmith train` and `corpusmith trainings`: fine-tune a model on a dataset or a file, and what there is."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.failures import FAILED, Failure, usage
from app.cli.generate import pairs
from app.cli.jobs import conclude, follow, numbers
from app.cli.options import ApiKey, AsJson, Limit, Url
from app.cli.progress import Bar
from app.cli.service import Json, Service, connected
from app.cli.terminal import Terminal

PART_BYTES = 16 * 1024**2


def train(
    source: Annotated[
        str, typer.Argument(help="A dataset (dst_...), an uploaded file (file_...), or a JSON lines file")
    ],
    model: Annotated[str, typer.Option(help="A base model, or an ft: model, see `GET /v1/models`")],
    method: Annotated[str, typer.Option(help="What is learnt, see `corpusmith catalog`")] = "sft",
    variant: Annotated[str, typer.Option(help="Which weights change")] = "lora",
    validation: Annotated[str | None, typer.Option(help="Held-out rows: the same kinds of things")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="hyperparameter=value")] = None,
    option: Annotated[list[str] | None, typer.Option(help="key=value, of the method's options")] = None,
    variant_option: Annotated[list[str] | None, typer.Option(help="key=value, of the variant's options")] = None,
    suffix: Annotated[str | None, typer.Option(help="Part of the new model's name")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed over the same rows trains the same")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would take, and train nothing")] = False,
    start: Annotated[bool, typer.Option(help="--no-start: check the rows and wait for POST .../start")] = True,
    watch: Annotated[bool, typer.Option(help="Follow it to its end")] = True,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Fine-tune a model.

    The service does it: this command may be interrupted, and `corpusmith watch` follows the job again.
    """
    with connected(url, api_key, as_json) as (terminal, service):
        ours = {
            "method": method,
            "method_options": pairs("--option", option),
            "variant": variant,
            "variant_options": pairs("--variant-option", variant_option),
            "hyperparameters": pairs("--set", setting),
            "device": device,
            "start": start,
        }
        wanted: Json = {"model": model, "training_file": _file(service, terminal, source), "corpusmith": ours}
        given = {"suffix": suffix, "seed": seed, "validation_file": validation and _file(service, terminal, validation)}
        wanted |= {name: value for name, value in given.items() if value is not None}
        if estimate:
            _tell_estimate(terminal, service.post("/v1/fine_tuning/estimate", wanted))
            return
        job = service.post("/v1/fine_tuning/jobs", wanted)
        if watch and start:
            terminal.note(f"Fine-tuning job {job['id']}")
            conclude(terminal, follow(service, terminal, job["id"]))
        else:
            terminal.line(job["id"])
            terminal.record(job)


def _file(service: Service, terminal: Terminal, source: str) -> str:
    """The id of a dataset or file; a local file is uploaded first."""
    if source.startswith(("dst_", "file_")) and not Path(source).exists():
        return source
    path = Path(source)
    if not path.is_file():
        raise usage(f"{source} is neither a dataset, nor an uploaded file, nor a file here")
    size = path.stat().st_size
    announced = {"bytes": size, "filename": path.name, "mime_type": "application/jsonl", "purpose": "fine-tune"}
    upload = service.post("/v1/uploads", announced)
    parts = []
    with path.open("rb") as file, Bar(terminal, f"Uploading {path.name}", size, bytes_=True) as bar:
        while data := file.read(PART_BYTES):
            parts.append(_part(service, upload["id"], data))
            bar.advance(len(data))
    done = service.post(f"/v1/uploads/{upload['id']}/complete", {"part_ids": parts})
    return str(done["file"]["id"])


def _part(service: Service, upload_id: str, data: bytes) -> str:
    sent = service.send(
        "POST",
        f"/v1/uploads/{upload_id}/parts",
        files={"data": ("upload", data)},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    return str(service.read(sent)["id"])


def _tell_estimate(terminal: Terminal, found: Json) -> None:
    """Raises Failure when the files were refused."""
    if error := found["error"]:
        raise Failure(FAILED, error["code"], error["message"], param=error["param"])
    terminal.record(found)
    if found["estimate"] is None:
        terminal.line(f"The files are still being checked: corpusmith watch {found['job_id']}")
        return
    terminal.table("what", "value", rows=sorted(_flat(found["estimate"]).items()))


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def trainings(limit: Limit = 20, url: Url = "", api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """List fine-tuning jobs, newest first."""
    with connected(url, api_key, as_json) as (terminal, service):
        found = list(service.each("/v1/fine_tuning/jobs", limit))
        rows = [
            (job["id"], job["model"], job["status"], numbers(job), job["fine_tuned_model"], _moment(job["created_at"]))
            for job in found
        ]
        terminal.table("id", "model", "status", "steps", "became", "made", rows=rows)
        terminal.record(found)


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
