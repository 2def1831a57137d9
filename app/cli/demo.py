"""`corpusmith demo`: from the sample documents to a checked JSONL file, on this machine."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.cli import demo_stack
from app.cli.export import Split, make, save
from app.cli.failures import FAILED, Failure
from app.cli.files import collect
from app.cli.generate import request
from app.cli.options import ApiKey, AsJson, Url
from app.cli.samples import source
from app.cli.service import Json, Service, segment
from app.cli.terminal import Terminal, speaking
from app.cli.upload import send_all, wait_parsed
from app.cli.watch import conclude, follow

# A model of 1.5 B is often wrong: keep what its judge has no doubt about.
STRICT = {"faithfulness": 5, "answerability": 5, "usefulness": 4}
_UP, _SIZE = "Stack, if none is running", "Size of the job"


def demo(
    rows: Annotated[int, typer.Option(help="Accepted rows wanted", min=1, rich_help_panel=_SIZE)] = 8,
    questions: Annotated[int, typer.Option(help="Questions asked about each context", rich_help_panel=_SIZE)] = 3,
    evolve_rounds: Annotated[int, typer.Option(help="How often each is evolved", rich_help_panel=_SIZE)] = 1,
    chunk_size: Annotated[int, typer.Option(help="Characters of a chunk", rich_help_panel=_SIZE)] = 900,
    chunks_per_context: Annotated[int, typer.Option(help="Chunks read together", rich_help_panel=_SIZE)] = 1,
    max_calls: Annotated[int, typer.Option(help="Plan no more work after these", rich_help_panel=_SIZE)] = 100,
    seed: Annotated[int, typer.Option(help="Another seed, other questions", rich_help_panel=_SIZE)] = 0,
    output: Annotated[Path, typer.Option(help="Folder to write to", file_okay=False)] = Path("corpusmith-demo"),
    model: Annotated[
        str | None, typer.Option(help="Local generator [default: as `up`]", rich_help_panel=_UP, show_default=False)
    ] = None,
    generator_url: Annotated[str, typer.Option(help="Use this server, no local model", rich_help_panel=_UP)] = "",
    generator_model: Annotated[str, typer.Option(help="Model name there", rich_help_panel=_UP)] = "",
    judge_url: Annotated[str, typer.Option(help="Another server for judging", rich_help_panel=_UP)] = "",
    judge_model: Annotated[str, typer.Option(help="Model name there", rich_help_panel=_UP)] = "",
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept", rich_help_panel=_UP)] = None,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show all of it: upload seven sample documents, generate checked rows, look at them, export them.

    Uses the stack that runs on this data directory, or starts `corpusmith up` for the time of the demo. Sized for two
    cores and a model of 1.5 B: some minutes. Exits 0 when at least one row was accepted and the file loads.
    """
    given = {
        "--model": model, "--generator-url": generator_url, "--generator-model": generator_model,
        "--judge-url": judge_url, "--judge-model": judge_model,
    }  # fmt: skip
    # For some minutes of work a model server that starts sooner is done sooner.
    up_options = ["--eager"] + [part for name, value in given.items() if value for part in (name, value)]
    with speaking(as_json) as terminal, demo_stack.running(terminal, url, api_key, data_dir, up_options) as service:
        dataset = _dataset(
            service, terminal, name="demo", rows=rows, seed=seed,
            options={"questions_per_context": questions, "evolve_rounds": evolve_rounds},
            chunking={"size": chunk_size}, grouping={"chunks_per_context": chunks_per_context},
            budget={"max_calls": max_calls}, gates=STRICT,
        )  # fmt: skip
        accepted, dropped = _show(service, terminal, dataset["id"], dataset["dropped"])
        if not accepted:
            conclude(terminal, dataset)
        made = make(service, terminal, dataset["id"], {"format": "messages"})
        path, manifest = save(service, terminal, made, output, Split.all)
        count = verified(path, made["files"]["data.jsonl"]["rows"])
        terminal.line(f"{count} rows, each line read back as messages: {path}\nmanifest: {manifest}")
        paths = {"path": str(path), "manifest": str(manifest)}
        terminal.record({"dataset": dataset, "accepted": accepted, "dropped": dropped, "rows": count, **paths})


def _dataset(service: Service, terminal: Terminal, **wanted: object) -> Json:
    from app import samples

    terminal.note("Uploading the sample documents: the papers of a ferry company, in English and Russian")
    corpus = service.post("/v1/corpora", {"name": "demo"})
    documents, _ = send_all(service, terminal, corpus["id"], collect(samples.paths()))
    parsed = wait_parsed(service, terminal, corpus["id"], documents)
    for document in parsed:
        pages = f", {document['page_count']} pages" if document["page_count"] else ""
        told = document["detail"] or f"{document['characters']} characters{pages}, {document['language']}"
        terminal.note(f"  {document['name']}: {document['status']}, {told}")
    dataset = service.post("/v1/datasets", request(corpus["id"], **wanted))
    terminal.note(f"Generating dataset {dataset['id']} with {dataset['model']}")
    return follow(service, terminal, dataset["id"])


def _show(service: Service, terminal: Terminal, dataset_id: str, dropped: dict[str, int]) -> tuple[list[Json], Json]:
    """Print accepted rows and, for every reason, a row that was dropped for it; return both."""
    path = f"/v1/datasets/{segment(dataset_id)}/samples"
    accepted = list(service.each(path, state="accepted"))
    rows = [(row["question"], row["answer"], row["kind"], source(row)) for row in accepted]
    terminal.table("question", "answer", "kind", "source", rows=rows, title="Accepted rows")
    examples = {reason: next(service.each(path, 1, state="dropped", reason=reason), None) for reason in dropped}
    table = []
    for reason, count in sorted(dropped.items(), key=lambda found: -found[1]):
        row = examples[reason] or {"question": "", "answer": "", "detail": ""}
        table.append((reason, count, row["question"], row["answer"], row["detail"]))
    terminal.table("reason", "rows", "for example", "answered", "why not", rows=table, title="Dropped rows")
    return accepted, {reason: {"rows": count, "example": examples[reason]} for reason, count in dropped.items()}


def verified(path: Path, announced: int) -> int:
    """Rows of the file, read line by line as a trainer would. Raises Failure when one is not what it should be."""
    count = 0
    with path.open(encoding="utf-8", newline="\n") as file:
        for count, line in enumerate(file, 1):
            try:
                roles = [(message["role"], bool(message["content"])) for message in json.loads(line)["messages"]]
            except (ValueError, KeyError, TypeError) as error:
                raise Failure(FAILED, "bad_export", f"{path}, line {count}: {error}") from None
            if roles != [("user", True), ("assistant", True)]:
                raise Failure(FAILED, "bad_export", f"{path}, line {count}: not a question and its answer")
    if count != announced:
        raise Failure(FAILED, "bad_export", f"{path} has {count} rows, and {announced} were announced")
    return count
