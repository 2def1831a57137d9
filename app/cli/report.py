"""`corpusmith report`, `coverage` and `verify`: what a dataset is like, and what of the documents it uses."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.failures import FAILED, Failure
from app.cli.options import ApiKey, AsJson, Limit, Url
from app.cli.service import Json, Service, connected, segment
from app.cli.terminal import Terminal

PATIENCE_SECONDS = 600.0  # of a dataset with a million rows that nobody has asked about yet
SECTIONS = 10  # of each document that are shown
DatasetId = Annotated[str, typer.Argument(help="As `corpusmith datasets` lists it")]


def report(
    dataset_id: DatasetId,
    html: Annotated[Path | None, typer.Option(help="Write the page to this file", dir_okay=False)] = None,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show a dataset's report: drops, scores, coverage, cost, tokens. `--html` saves it as one page."""
    with connected(url, api_key, as_json) as (terminal, service):
        path = f"/v1/datasets/{segment(dataset_id)}/report"
        if html is not None:
            _save(service, path + ".html", html)
            terminal.line(str(html))
            terminal.record({"path": str(html)})
            return
        found = _ask(service, path)
        _show(terminal, found)
        terminal.record(found)


def coverage(
    corpus_id: Annotated[str, typer.Argument(help="As `corpusmith corpora` lists it")],
    dataset: Annotated[str | None, typer.Option(help="Only rows of this dataset (id)")] = None,
    limit: Limit = 20,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show which share of each document and section rows cite, the least cited first."""
    with connected(url, api_key, as_json) as (terminal, service):
        path, more = f"/v1/corpora/{segment(corpus_id)}/coverage", {"order": "least", "sections": str(SECTIONS)}
        if dataset is not None:
            more["dataset"] = dataset
        # The first page may take long, since all of it is computed then.
        totals = _ask(service, path, **more, limit="1")["totals"]
        found = list(service.each(path, limit, **more))
        rows = [
            (document["name"] if i == 0 else "", section["path"] or "(no heading)", _percent(section["share"]),
             section["rows"], section["characters"])
            for document in found
            for i, section in enumerate(document["sections"])
        ]  # fmt: skip
        terminal.table("document", "section", "cited", "rows", "characters", rows=rows)
        terminal.line(_coverage(totals))
        terminal.record({"totals": totals, "data": found})


def verify(dataset_id: DatasetId, url: Url = "", api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """Look up every source of every accepted row in the stored documents again. Exit code 1 if one is not found."""
    with connected(url, api_key, as_json) as (terminal, service):
        found = _ask(service, f"/v1/datasets/{segment(dataset_id)}/verification")
        terminal.line(
            f"{found['located']:,} of {found['spans']:,} sources of {found['rows']:,} rows are where the rows say "
            f"({found['documents']:,} documents; {found['rows_without_source']:,} rows have no source)"
        )
        rows = [(e["sample_id"], e["document_id"], f"{e['start']}-{e['end']}", e["problem"]) for e in found["examples"]]
        if rows:
            terminal.table("row id", "document id", "characters", "problem", rows=rows)
        terminal.record(found)
        if found["not_located"]:
            raise typer.Exit(FAILED)


def _ask(service: Service, path: str, **params: str) -> Json:
    return service.read(service.send("GET", path, params=params, timeout=PATIENCE_SECONDS))


def _save(service: Service, path: str, file: Path) -> None:
    page = service.send("GET", path, timeout=PATIENCE_SECONDS).content
    try:
        file.write_bytes(page)
    except OSError as error:
        raise Failure(FAILED, "not_written", f"{file} cannot be written: {error.strerror}") from None


def _show(terminal: Terminal, found: Json) -> None:
    dataset = found["dataset"]
    terminal.line(f"{dataset['name']}  {dataset['id']}  {dataset['status']}")
    terminal.line(f"{found['accepted']:,} rows accepted, {found['dropped']:,} dropped")
    drops = [(drop["reason"], drop["rows"], _percent(drop["share"]), _first(drop)) for drop in found["drops"]]
    terminal.table("dropped for", "rows", "of all", "for example", rows=drops)
    scores = [(s["metric"], s["threshold"], s["mean"], s["rows"], s["failed"]) for s in found["scores"]]
    terminal.table("metric", "gate", "mean", "rows", "failed", rows=scores)
    lengths = [
        (name, *(found[key][share] for share in ("p5", "p50", "p95")))
        for name, key in (("question words", "question_words"), ("answer words", "answer_words"))
    ]
    terminal.table("length", "5 %", "median", "95 %", rows=lengths)
    steps = [
        (s["step"], s["calls"], s["prompt_tokens"], s["completion_tokens"], s["tokens_per_accepted_row"])
        for s in [*found["cost"]["steps"], {"step": "all", **found["cost"]}]
    ]
    terminal.table("step", "calls", "tokens in", "tokens out", "tokens a row", rows=steps)
    tokens = [
        (t["name"], t["tokens_per_word"], t["english_tokens_per_word"], t["tokens_p95"], t["cut"], t["error"])
        for t in found["fertility"]["tokenizers"]
    ]
    over = f"over {found['fertility']['max_length']}"
    terminal.table("tokenizer", "tokens a word", "English", "95 % of rows", over, "", rows=tokens)
    for warning in found["fertility"]["warnings"]:
        terminal.line(f"Warning: {warning}")
    terminal.line(_coverage(found["coverage"]["totals"]))


def _first(drop: Json) -> str:
    example = next(iter(drop["examples"]), None)
    return (example["detail"] or example["question"]) if example else ""


def _coverage(totals: Json) -> str:
    gini = "" if totals["gini"] is None else f", evenness (Gini) {totals['gini']:g}"
    return (
        f"{_percent(totals['share'])} of {totals['characters']:,} characters are cited; {totals['sections_uncited']:,} "
        f"of {totals['sections']:,} sections in {totals['documents']:,} documents have no row{gini}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
