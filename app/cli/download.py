"""A file from the service: resumed where it broke off, checked, and only then given its name."""

import hashlib
from pathlib import Path

import httpx

from app.cli.failures import FAILED, Failure, refusal
from app.cli.progress import Bar
from app.cli.service import Json, Service
from app.cli.terminal import Terminal

_FRUITLESS = 5  # tries in a row that brought nothing new


def download(service: Service, terminal: Terminal, file: Json, target: Path) -> None:
    """`file` (url, bytes, sha256) to `target`, by way of `<target>.part`. Raises Failure; the part then stays."""
    part = target.with_name(target.name + ".part")
    terminal.if_interrupted = f"Interrupted. {part} stays; the same command goes on from there"
    try:
        if target.exists() and _sha256(target) == file["sha256"]:
            return
        with Bar(terminal, f"Downloading {target.name}", file["bytes"], bytes_=True) as bar:
            for _ in range(2):  # again from the beginning if what lay there was the beginning of something else
                _fill(service, file, part, bar)
                if _sha256(part) == file["sha256"]:
                    part.replace(target)
                    return
                part.unlink()
    except OSError as error:
        raise Failure(FAILED, "not_written", f"{error.filename or part} cannot be written: {error.strerror}") from None
    raise Failure(FAILED, "checksum", f"{target.name} did not come as the service announced it (SHA-256 differs)")


def _fill(service: Service, file: Json, part: Path, bar: Bar) -> None:
    """Until the part is as long as the file."""
    part.touch()
    patience, most, fruitless = service.patience(), 0, 0
    while (have := part.stat().st_size) != file["bytes"]:
        if have > file["bytes"]:
            part.unlink()
            part.touch()
            continue
        fruitless = 0 if have > most else fruitless + 1
        if fruitless > _FRUITLESS:
            raise Failure(FAILED, "incomplete", f"The service sends only {have} of {file['bytes']} bytes")
        if have > most:
            patience, most = service.patience(), have
        try:
            _go_on(service, file, part, have, bar)
        except httpx.RequestError as error:
            patience.wait(error)


def _go_on(service: Service, file: Json, part: Path, have: int, bar: Bar) -> None:
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": f'"{file["sha256"]}"'}
    with service.http.stream("GET", file["url"], headers=headers) as reply:
        if reply.status_code not in (200, 206):
            reply.read()
            raise refusal(reply)
        goes_on = reply.status_code == 206 and reply.headers.get("content-range", "").startswith(f"bytes {have}-")
        with part.open("ab" if goes_on else "wb") as out:
            done = have if goes_on else 0
            for data in reply.iter_raw():
                out.write(data)
                done += len(data)
                bar.reach(done)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
