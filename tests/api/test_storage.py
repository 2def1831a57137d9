"""Blobs by content hash: whole and durable or not there at all, in a folder and in a bucket."""

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from app.errors import NotFound
from app.storage import Folder, Storage, Upload
from app.storage_s3 import Bucket

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["folder", "bucket in memory", "bucket in a folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Folder(tmp_path / "blobs")
    if request.param == "bucket in memory":
        return Bucket("memory:///")
    (tmp_path / "bucket").mkdir()
    return Bucket((tmp_path / "bucket").as_uri())


def keep(store: Storage, data: bytes, *, settle: bool = True) -> str:
    with store.upload() as upload:
        for start in range(0, len(data), 1000):
            upload.write(data[start : start + 1000])
        assert upload.size == len(data)
        return store.keep(upload, settle=settle)


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(10_000)], ids=len)
def test_what_is_kept_is_named_by_its_hash_and_read_back_whole_and_in_part(store: Storage, data: bytes) -> None:
    name = keep(store, data)
    assert name == sha256(data).hexdigest()
    assert b"".join(store.read(name)) == data
    for start, end in ((0, None), (1, 1), (0, 5), (3, 9_999), (9_000, 20_000), (20_000, None)):
        assert b"".join(store.read(name, start, end)) == data[start:end]
    with store.local(name) as path:
        assert path.read_bytes() == data


def test_keeping_the_same_bytes_twice_is_one_blob(store: Storage) -> None:
    assert keep(store, b"same") == keep(store, b"same") == keep(store, b"same", settle=False)
    store.settle()
    assert b"".join(store.read(sha256(b"same").hexdigest())) == b"same"


def test_a_blob_larger_than_one_read_comes_in_pieces(store: Storage) -> None:
    data = os.urandom(9 * 1024**2)
    pieces = list(store.read(keep(store, data)))
    assert len(pieces) > 1
    assert b"".join(pieces) == data


def test_what_was_never_kept_is_not_found(store: Storage) -> None:
    with pytest.raises(NotFound):
        list(store.read("0" * 64))
    with pytest.raises(NotFound), store.local("0" * 64):
        pass


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    store = Folder(tmp_path / "blobs")
    with pytest.raises(RuntimeError), store.upload() as upload:
        upload.write(b"half")
        raise RuntimeError
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_blobs_can_be_read_by_nobody_else(tmp_path: Path) -> None:
    store = Folder(tmp_path / "blobs")
    name = keep(store, b"secret")
    assert store.path(name).parent.stat().st_mode & 0o077 == 0
    assert store.incoming.stat().st_mode & 0o077 == 0


def test_a_blob_is_synced_before_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Folder(tmp_path / "blobs")
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().as_posix())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    name = keep(store, b"durable")
    assert synced[0].startswith(str(store.incoming))
    assert synced[-2:] == [str(store.path(name).parent), str(store.root)]


def test_a_process_killed_while_it_stores_leaves_only_whole_blobs(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from app.storage import Folder
store = Folder(Path(sys.argv[1]))
print("go", flush=True)
while True:
    with store.upload() as upload:
        for _ in range(20):
            upload.write(os.urandom(50_000))
        print(store.keep(upload), flush=True)
"""
    root = tmp_path / "blobs"
    for wait in (0.05, 0.11, 0.23):
        process = subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, cwd=ROOT, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        for name in process.communicate()[0].split():
            assert len(name) < 64 or Folder(root).path(name).exists()
    blobs = list(root.glob("??/*"))
    assert blobs
    for path in blobs:
        assert sha256(path.read_bytes()).hexdigest() == path.name


def test_a_bucket_over_the_s3_protocol_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    server = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    import httpx

    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    httpx.put(f"http://{host}:{port}/bucket", trust_env=False)
    store = Bucket("s3://bucket/some/prefix")
    data = os.urandom(9 * 1024**2)
    name = keep(store, data)
    assert b"".join(store.read(name)) == data
    assert b"".join(store.read(name, 5, 500)) == data[5:500]
    with pytest.raises(NotFound):
        list(store.read("0" * 64))
    running.stop()


def test_an_upload_counts_and_hashes_what_is_written(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        upload = Upload(file)
        upload.write(b"ab")
        upload.write(b"c")
    assert (upload.size, upload.sha256) == (3, sha256(b"abc").hexdigest())
