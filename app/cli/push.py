"""`corpusmith push`: a dataset's rows, card, metadata and trainers' files, as one commit to a Hugging Face hub."""

import os
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.download import download
from app.cli.export import bundled, make
from app.cli.failures import FAILED, Failure, usage
from app.cli.options import ApiKey, AsJson, Author, BaseModel, License, Title, Trainers, Url
from app.cli.service import Json, Service, connected
from app.cli.terminal import Terminal

HUB = "https://huggingface.co"
_OURS = ("data/", "trainers/", "provenance/")  # what an earlier push may have left there


def push(
    dataset_id: Annotated[str, typer.Argument(help="A dataset that has ended")],
    repo: Annotated[str, typer.Argument(help="owner/name of a dataset repository; made if it is not there")],
    endpoint: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="Address of the hub")] = HUB,
    format: Annotated[str, typer.Option(help="As `corpusmith catalog` lists them")] = "messages",
    container: Annotated[str, typer.Option(help="parquet, jsonl, jsonl.gz or csv")] = "parquet",
    include_sources: Annotated[
        bool, typer.Option("--include-sources", help="Add sources and scores to each row")
    ] = False,
    private: Annotated[bool, typer.Option("--private/--public", help="What a new repository is")] = True,
    trainer: Trainers = None,
    base_model: BaseModel = None,
    title: Title = None,
    author: Author = None,
    license: License = None,
    url: Url = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Export a dataset as a bundle and commit its files to a hub. The hub's token is read from HF_TOKEN.

    The same command again replaces the files; what is the same is not sent twice.
    """
    told = bundled(trainers=trainer, base_model=base_model, title=title, author=author, license=license)
    wanted: Json = {"format": format, "container": container, "include_sources": include_sources, "bundle": told}
    with connected(url, api_key, as_json) as (terminal, service), tempfile.TemporaryDirectory() as folder:
        hub = _hub(endpoint)
        files = _unpacked(service, terminal, make(service, terminal, dataset_id, wanted), Path(folder))
        terminal.if_interrupted = "Interrupted. The hub has all files or none: they are one commit"
        terminal.progress(f"Sending {len(files)} files to {endpoint}")
        commit = _commit(hub, repo, files, f"{dataset_id} as {format}", private)
        terminal.line(str(commit.commit_url))
        terminal.record({"repo": repo, "commit": commit.oid, "url": str(commit.commit_url), "files": sorted(files)})


def _hub(endpoint: str) -> Any:
    """The hub's client. Raises Failure when there is no token for it."""
    token = os.environ.get("HF_TOKEN", "").strip()
    if not token:
        raise usage("HF_TOKEN is not set: it holds the hub's token, and is read from the environment alone")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    if endpoint.rstrip("/") != HUB:
        os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # other hubs know Git LFS; the client tries Xet unasked
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint.rstrip("/"), token=token, library_name="corpusmith")


def _unpacked(service: Service, terminal: Terminal, made: Json, folder: Path) -> dict[str, Path]:
    """The bundle's files, by their paths in it."""
    packed, unpacked = folder / "bundle.zip", folder / "bundle"
    download(service, terminal, made["files"]["bundle.zip"], packed)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(unpacked)
    return {path.relative_to(unpacked).as_posix(): path for path in unpacked.rglob("*") if path.is_file()}


def _commit(hub: Any, repo: str, files: dict[str, Path], message: str, private: bool) -> Any:
    """All files in one commit, without those of an earlier push that there are no more. Raises Failure."""
    import httpx2  # what huggingface_hub speaks HTTP with
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        hub.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        gone = [path for path in hub.list_repo_files(repo, repo_type="dataset") if path.startswith(_OURS)]
        return hub.create_commit(
            repo,
            [
                *(CommitOperationDelete(path) for path in sorted(set(gone) - set(files))),
                *(CommitOperationAdd(path, str(files[path])) for path in sorted(files)),
            ],
            commit_message=message,
            repo_type="dataset",
        )
    except HfHubHTTPError as error:
        said = error.server_message or str(error).partition("\n")[0]
        raise Failure(FAILED, "hub_refused", f"{hub.endpoint} refused: {error.response.status_code}, {said}") from None
    except HFValidationError as error:
        raise usage(f"{repo!r} is no name of a repository: {error}") from None
    except (httpx2.HTTPError, OSError) as error:
        raise Failure(FAILED, "hub_not_reached", f"{hub.endpoint} was not reached: {error}") from None
    except ValueError as error:  # of the card's front matter, or of objects that were not taken
        raise Failure(FAILED, "hub_refused", str(error)) from None
