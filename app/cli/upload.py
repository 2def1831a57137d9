"""`corpusmith upload`: files, folders and ZIPs into a corpus, and what became of them."""

import time
from pathlib import Path
from typing import Annotated

import typer

from app.cli.failures import FAILED, Failure, usage
from app.cli.files import LocalFile, collect
from app.cli.options import ApiKey, AsJson, Url
from app.cli.progress import Bar
from app.cli.service import Json, Service, connected, segment
from app.cli.terminal import Terminal
from app.documents.names import clean

SEND_SECONDS = 900.0  # the reply to a ZIP comes when all its members are stored
_ITS_OWN_FAULT = ("too_large", "archive_refused", "invalid_request", "upload_incomplete", "file_changed", "unreadable")
_STUCK_SECONDS = 30.0


def upload(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders (with all in them) and ZIPs", exists=True)],
    corpus: Annotated[str, typer.Option(help="Into this corpus (id); default: a new one", show_default=False)] = "",
    name: Annotated[str, typer.Option(help="Name of the new corpus", show_default=False)] = "",
    wait: Annotated[bool, typer.Option(help="Wait until the documents are parsed")] = True,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Upload documents into a corpus.

    The same files again change nothing; a changed file takes the old one's place.
    Hidden files of a folder are left out. Exits 4 when the service refused files, 1 when none could be parsed.
    """
    with connected(url, api_key, as_json) as (terminal, service):
        if corpus and name:
            raise usage("Give --corpus or --name, not both")
        files = collect(paths)
        if corpus:
            target = service.get(f"/v1/corpora/{segment(corpus)}")
        else:
            target = service.post("/v1/corpora", {"name": name or clean(paths[0].resolve().stem)[:200]})
        documents, refused = send_all(service, terminal, target["id"], files)
        if wait and documents:
            documents = wait_parsed(service, terminal, target["id"], documents)
        _report(terminal, target, documents, refused, wait)


def send_all(
    service: Service, terminal: Terminal, corpus_id: str, files: list[LocalFile]
) -> tuple[list[Json], list[Json]]:
    """Upload all; the documents they became, and the files that were refused with the reason."""
    documents: dict[str, Json] = {}
    refused = []
    terminal.if_interrupted = f"Interrupted. Upload again with --corpus {corpus_id} to go on; what is there stays"
    with Bar(terminal, f"Uploading {len(files)} files", sum(file.size for file in files), bytes_=True) as bar:
        before = 0
        for file in files:
            try:
                found = _send(service, corpus_id, file, bar, before)
            except Failure as failure:
                if failure.code not in _ITS_OWN_FAULT:
                    raise
                terminal.note(f"{file.name}: {failure.line()}", "yellow")
                refused.append({"name": file.name, **failure.record()["error"]})
            else:
                documents |= {document["id"]: document for document in found}
            before += file.size
            bar.reach(before)
    return list(documents.values()), refused


def _send(service: Service, corpus_id: str, file: LocalFile, bar: Bar, before: int) -> list[Json]:
    # Without the length the service could not tell a whole file from the beginning of one.
    headers = {"Content-Length": str(file.size), "Content-Type": "application/octet-stream"}
    reply = service.read(
        service.send(
            "PUT",
            f"/v1/corpora/{segment(corpus_id)}/documents/{file.quoted}",
            content=lambda: file.read(lambda sent: bar.reach(before + sent)),
            headers=headers,
            timeout=SEND_SECONDS,
        )
    )
    return list(reply["data"]) if reply["object"] == "list" else [reply]


def wait_parsed(service: Service, terminal: Terminal, corpus_id: str, documents: list[Json]) -> list[Json]:
    """Until the corpus has no document to parse; these documents as they are then."""
    terminal.if_interrupted = f"Interrupted. Parsing goes on; the corpus is {corpus_id}"
    changed, before, told = time.monotonic(), -1, False
    with Bar(terminal, "Parsing", len(documents), bytes_=False) as bar:
        while True:
            counts = service.get(f"/v1/corpora/{segment(corpus_id)}")["documents"]
            done = counts["parsed"] + counts["failed"]
            bar.reach(done, done + counts["pending"])
            if not counts["pending"]:
                break
            if done != before:
                changed, before = time.monotonic(), done
            elif time.monotonic() - changed > _STUCK_SECONDS and not told:
                told = True
                terminal.note(f"No document was parsed for {_STUCK_SECONDS:g} s: is a worker running?", "yellow")
            time.sleep(0.5 if time.monotonic() - changed < 10 else 2.0)
    mine = {document["id"] for document in documents}
    return [found for found in service.each(f"/v1/corpora/{segment(corpus_id)}/documents") if found["id"] in mine]


def _report(terminal: Terminal, corpus: Json, documents: list[Json], refused: list[Json], waited: bool) -> None:
    failed = [document for document in documents if document["status"] == "failed"]
    if failed:
        rows = [(document["name"], document["reason"], document["detail"]) for document in failed]
        terminal.table("document", "reason", "detail", rows=rows, title="Documents that could not be parsed")
    terminal.line(corpus["id"])
    terminal.record({"corpus_id": corpus["id"], "name": corpus["name"], "documents": documents, "refused": refused})
    parsed = f", parsed: {len(documents) - len(failed)}, failed: {len(failed)}" if waited else ""
    terminal.note(f"Documents: {len(documents)}{parsed}{f', files refused: {len(refused)}' if refused else ''}")
    if refused:
        raise typer.Exit(max(file["exit_code"] for file in refused))
    if waited and len(failed) == len(documents):
        raise typer.Exit(FAILED)
