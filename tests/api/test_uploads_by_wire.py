"""Uploads over a real socket: torn off, told to wait, onto a full disk, and killed in the middle."""

import os
import random
import resource
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import open_api
from tests.service import Service, wait

LIMIT = 20_000_000


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with open_api(tmp_path_factory.mktemp("api"), max_upload_bytes=LIMIT) as service:
        yield service


def url(api: Service) -> str:
    return f"/v1/corpora/{api.corpus({})}/documents"


def incoming(api: Service) -> list[str]:
    folder = api.folder / "blobs" / "incoming"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def names(api: Service, documents: str) -> list[str]:
    return [document["name"] for document in api.ok(api.http.get(documents))["data"]]


def blob(api: Service, data: bytes) -> Path:
    name = sha256(data).hexdigest()
    return api.folder / "blobs" / name[:2] / name


def send(api: Service, request: str, headers: str, body: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", api.port), timeout=10)
    connection.sendall(f"{request} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n\r\n".encode() + body)
    return connection


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("PUT", "Content-Length: 5000000"),
        ("PUT", "Transfer-Encoding: chunked"),
        ("POST", "Content-Length: 5000000\r\nContent-Type: multipart/form-data; boundary=x"),
    ],
)
def test_a_body_that_is_torn_off_leaves_nothing(api: Service, method: str, headers: str) -> None:
    documents, data = url(api), os.urandom(300_000)
    body = b'--x\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\n' + data
    if method == "PUT":
        body = data if "Length" in headers else b"%x\r\n%b\r\n" % (len(data), data)
    connection = send(api, f"{method} {documents}{'/a.txt' if method == 'PUT' else ''}", headers, body)
    if method == "PUT":
        wait(lambda: incoming(api) != [], 10)
    connection.close()
    wait(lambda: incoming(api) == [], 10)
    assert names(api, documents) == []
    assert not blob(api, data).exists()
    assert "Traceback" not in api.log("api")


def curl(*arguments: str) -> tuple[str, dict[str, str]]:
    """What curl printed, and what it says of status, bytes sent, and number of connects."""
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code} %{size_upload}", *arguments],
        capture_output=True,
        text=True,
    )
    body, _, figures = done.stdout.rpartition("\n")
    status, sent = figures.split()
    return body, {"status": status, "sent": sent, "errors": done.stderr}


@pytest.mark.parametrize("corpus", ["foreign", "ours"])
def test_curl_that_waits_for_100_continue_sends_nothing_of_what_is_refused(
    api: Service, tmp_path: Path, corpus: str
) -> None:
    documents = "/v1/corpora/crp_no/documents" if corpus == "foreign" else url(api)
    file = tmp_path / "large.bin"
    with file.open("wb") as opened:
        opened.truncate(LIMIT + 1 if corpus == "ours" else 5_000_000)
    body, found = curl(
        "-T", str(file), "-H", "Expect: 100-continue", "--expect100-timeout", "10",
        f"{api.http.base_url}{documents}/a.bin",
    )  # fmt: skip
    assert found["status"] == ("413" if corpus == "ours" else "404"), body
    assert '"error"' in body
    assert found["sent"] == "0"
    assert incoming(api) == []


def test_curl_uploads_a_file_and_a_stream_of_unknown_length(api: Service, tmp_path: Path) -> None:
    documents, file, data = url(api), tmp_path / "a.bin", os.urandom(3_000_000)
    file.write_bytes(data)
    assert curl("-T", str(file), f"{api.http.base_url}{documents}/a.bin")[1]["status"] == "201"
    with file.open("rb") as stdin:
        done = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "-T", "-", f"{api.http.base_url}{documents}/b.bin"],
            stdin=stdin, capture_output=True,
        )  # fmt: skip
    assert sha256(data).hexdigest() in done.stdout.decode()
    assert curl("-F", f"f=@{file}", f"{api.http.base_url}{documents}")[1]["status"] == "201"
    assert sorted(names(api, documents)) == ["a.bin", "b.bin"]
    assert blob(api, data).read_bytes() == data


@contextmanager
def no_file_over(api: Service, size: int) -> Iterator[None]:
    """The API's process can write no file larger than `size`: as on a full disk, in the middle of a write."""
    pid = api.processes["api"].pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("way", ["put", "form", "archive"])
def test_a_full_disk_means_507_and_leaves_nothing(api: Service, way: str) -> None:
    from tests.api.test_documents import archive

    documents, data = url(api), os.urandom(9_000_000)
    with no_file_over(api, 8_000_000):
        if way == "form":
            reply = api.http.post(documents, files={"f": ("a.bin", data)})
        else:
            name, body = ("a.bin", data) if way == "put" else ("a.zip", archive({"a.bin": data}))
            reply = api.http.put(f"{documents}/{name}", content=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (507, "no_space"), reply.text
    assert incoming(api) == []
    assert names(api, documents) == []
    assert not blob(api, data).exists()
    assert api.http.put(f"{documents}/a.bin", content=data).status_code == 201


def test_a_large_upload_does_not_grow_the_process(api: Service) -> None:
    import psutil

    documents = url(api)
    process = psutil.Process(api.processes["api"].pid)
    before = process.memory_info().rss
    block = os.urandom(1_000_000)
    for way in ("put", "form"):
        if way == "put":
            reply = api.http.put(f"{documents}/a.bin", content=(block for _ in range(20)))
        else:
            reply = api.http.post(documents, files={"f": ("b.bin", block * 20)})
        assert reply.status_code == 201
    assert process.memory_info().rss - before < 32 * 1024**2


def test_what_was_acknowledged_outlives_kill_9_and_what_was_not_is_nowhere(tmp_path: Path) -> None:
    chance = random.Random(1)
    with open_api(tmp_path) as api:
        documents = url(api)
        acknowledged: dict[str, bytes] = {}
        for turn in range(4):
            stop = threading.Event()

            def upload(turn: int = turn, stop: threading.Event = stop) -> None:
                for i in range(10_000):
                    if stop.is_set():
                        return
                    data = f"{turn} {i} ".encode() * 20_000
                    try:
                        reply = httpx.put(
                            f"{api.http.base_url}{documents}/{turn}-{i}.txt", content=data, trust_env=False
                        )
                    except httpx.TransportError:
                        return
                    if reply.status_code == 201:
                        acknowledged[f"{turn}-{i}.txt"] = data

            thread = threading.Thread(target=upload)
            thread.start()
            time.sleep(0.3 + chance.random() * 0.4)
            api.kill("api")
            stop.set()
            thread.join()
            api.start("api")
        assert len(acknowledged) > 3
        with sqlite3.connect(f"file:{tmp_path / 'corpusmith.db'}?mode=ro", uri=True) as database:
            rows = dict(database.execute("SELECT name, sha256 FROM documents WHERE NOT replaced").fetchall())
        database.close()
        for name, data in acknowledged.items():
            assert rows[name] == sha256(data).hexdigest()
        for digest in rows.values():
            assert sha256((tmp_path / "blobs" / digest[:2] / digest).read_bytes()).hexdigest() == digest
        for path in (tmp_path / "blobs").glob("??/*"):  # a blob is whole, whether or not a document names it
            assert sha256(path.read_bytes()).hexdigest() == path.name
