"""Uploads: what is stored, what is refused, and that nothing is left of what was refused."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import storage
from app.settings import settings

Json = dict[str, Any]


def archive(content: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in content.items():
            made.writestr(name, data)
    return file.getvalue()


@cache
def bomb() -> bytes:
    """A good file, and two gigabytes of zeros in two megabytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("good.txt", b"good")
        with made.open("bomb.txt", "w", force_zip64=True) as member:
            for _ in range(64):
                member.write(bytes(32 * 1024**2))
    return file.getvalue()


def blobs() -> set[str]:
    root = settings().data_dir / "blobs"
    return {path.name for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def url(client: TestClient, corpus_id: str) -> str:
    return f"/v1/corpora/{corpus_id}/documents"


@pytest.fixture
def small(environment: pytest.MonkeyPatch, client: TestClient, url: str) -> str:
    """The documents' address, in a service that takes no file over 1000 and no form over 3000 bytes."""
    environment.setattr(settings(), "max_upload_bytes", 1000)
    environment.setattr(settings(), "archive_max_bytes", 3000)
    return url


def listed(client: TestClient, url: str) -> list[Json]:
    found: list[Json] = client.get(url, params={"limit": 100}).json()["data"]
    return found


def test_one_form_brings_many_files_in_fields_of_any_name(client: TestClient, url: str, rings: list[Any]) -> None:
    files = [("files", (f"{i}.txt", f"text {i}".encode())) for i in range(20)]
    files += [("other", ("отчёт.md", b"# \xd0\xb4\xd0\xb0"))]
    reply = client.post(url, files=files, data={"note": "not a file"})
    assert reply.status_code == 201
    documents = reply.json()["data"]
    assert [document["name"] for document in documents] == [*(f"{i}.txt" for i in range(20)), "отчёт.md"]
    assert documents[3]["size"] == 6 and documents[3]["sha256"] == sha256(b"text 3").hexdigest()
    assert {document["status"] for document in documents} == {"pending"}
    assert {document["id"] for document in listed(client, url)} == {document["id"] for document in documents}
    assert ("parse",) in rings
    assert storage.text(documents[3]["sha256"]) == "text 3"


def test_a_form_without_a_file_is_refused(client: TestClient, url: str) -> None:
    for sent in (
        {"data": {"a": "b"}},
        {"content": b"--x--", "headers": {"content-type": "multipart/form-data; boundary=x"}},
    ):
        reply = client.post(url, **sent)
        assert (reply.status_code, reply.json()["error"]["param"]) == (422, "files")


def test_a_form_that_is_none_is_refused(client: TestClient, url: str) -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        reply = client.post(url, content=b"nonsense", headers={"content-type": content_type})
        assert reply.status_code in (400, 422)
        assert reply.headers["content-type"] == "application/problem+json"
    assert blobs() == set()


def test_two_files_of_one_name_in_one_form_are_two_documents(client: TestClient, url: str) -> None:
    client.post(url, files=[("f", ("a.txt", b"1")), ("f", ("a.txt", b"2"))])
    assert {document["name"] for document in listed(client, url)} == {"a.txt", "a (2).txt"}


def test_the_same_bytes_under_the_same_name_are_the_same_document(
    client: TestClient, url: str, rings: list[Any]
) -> None:
    first = client.put(f"{url}/a.txt", content=b"one")
    rings.clear()
    again = client.put(f"{url}/a.txt", content=b"one")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert client.post(url, files={"f": ("a.txt", b"one")}).json()["data"] == [first.json()]
    assert len(listed(client, url)) == 1
    assert rings == []


def test_other_bytes_under_the_same_name_take_its_place(client: TestClient, url: str) -> None:
    first = client.put(f"{url}/a.txt", content=b"one").json()
    second = client.put(f"{url}/a.txt", content=b"two")
    assert second.status_code == 201 and second.json()["id"] != first["id"]
    assert [document["id"] for document in listed(client, url)] == [second.json()["id"]]
    assert client.get(f"/v1/documents/{first['id']}").json()["sha256"] == first["sha256"]


def test_the_same_bytes_in_another_corpus_are_another_document_over_the_same_blob(client: TestClient, url: str) -> None:
    other = client.post("/v1/corpora", json={}).json()["id"]
    documents = [client.put(f"{where}/a.txt", content=b"x").json() for where in (url, f"/v1/corpora/{other}/documents")]
    assert documents[0]["id"] != documents[1]["id"]
    assert len(blobs()) == 1


def test_uploads_of_one_name_at_the_same_time_leave_one_current_document(client: TestClient, url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        puts = [pool.submit(client.put, f"{url}/a.txt", content=f"text {i % 4}".encode()) for i in range(16)]
        replies = [put.result() for put in puts]
    assert {reply.status_code for reply in replies} <= {200, 201}, [reply.text for reply in replies]
    (current,) = listed(client, url)
    assert current["id"] in {reply.json()["id"] for reply in replies}


@pytest.mark.parametrize("way", ["put", "form"])
def test_an_archive_is_taken_apart(client: TestClient, url: str, way: str) -> None:
    packed = archive({"a.txt": b"1", "sub/б.md": b"2", "__MACOSX/._a.txt": b"junk"})
    if way == "put":
        reply = client.put(f"{url}/all.ZIP", content=packed)
    else:
        reply = client.post(url, files=[("f", ("all.zip", packed)), ("f", ("c.txt", b"3"))])
    assert reply.status_code == 201
    assert {document["name"] for document in listed(client, url)} == {"a.txt", "sub/б.md"} | (
        {"c.txt"} if way == "form" else set()
    )
    assert {document["id"] for document in reply.json()["data"]} == {document["id"] for document in listed(client, url)}


def test_the_same_archive_again_brings_nothing_new(client: TestClient, url: str) -> None:
    packed = archive({"a.txt": b"1", "b.txt": b"2"})
    first, again = (client.put(f"{url}/all.zip", content=packed) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


@pytest.mark.parametrize("way", ["put", "form"])
def test_a_bomb_of_two_gigabytes_is_refused_and_nothing_of_its_archive_is_kept(
    client: TestClient, url: str, way: str
) -> None:
    if way == "put":
        reply = client.put(f"{url}/bomb.zip", content=bomb())
    else:
        reply = client.post(url, files=[("f", ("bomb.zip", bomb()))])
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "archive_refused")
    assert listed(client, url) == []
    assert blobs() == set()


@pytest.mark.parametrize("packed", [b"PK", b"", archive({"a.txt": b"1"})[:-10], b"not an archive"])
def test_a_damaged_archive_is_refused(client: TestClient, url: str, packed: bytes) -> None:
    reply = client.put(f"{url}/a.zip", content=packed)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "archive_refused")
    assert listed(client, url) == [] and blobs() == set()


def streamed(data: bytes) -> Iterator[bytes]:
    """As a body of unknown length."""
    for start in range(0, len(data), 100):
        yield data[start : start + 100]


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_over_the_limit_is_refused_and_leaves_nothing(client: TestClient, small: str, announced: bool) -> None:
    data = b"x" * 1001
    reply = client.put(f"{small}/a.txt", content=data if announced else streamed(data))
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert reply.headers["content-type"] == "application/problem+json"
    assert listed(client, small) == [] and blobs() == set()
    assert client.put(f"{small}/a.txt", content=data[1:]).status_code == 201


@pytest.mark.parametrize("announced", [True, False])
def test_a_form_over_the_limit_is_refused_and_leaves_nothing(client: TestClient, small: str, announced: bool) -> None:
    part = b'--x\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\n' + b"x" * 3000 + b"\r\n--x--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=x"}
    reply = client.post(small, content=part if announced else streamed(part), headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert listed(client, small) == [] and blobs() == set()


def test_a_form_with_one_file_over_the_limit_brings_none_of_its_files(client: TestClient, small: str) -> None:
    reply = client.post(small, files=[("f", ("a.txt", b"1")), ("f", ("b.txt", b"x" * 1001))])
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert "b.txt" in reply.json()["detail"]
    assert listed(client, small) == []
    assert not list((settings().data_dir / "blobs" / "incoming").iterdir())


def test_a_form_of_too_many_files_is_refused(client: TestClient, url: str) -> None:
    reply = client.post(url, files=[("f", (f"{i}.txt", b"1")) for i in range(1001)])
    assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json")
    assert "1000" in reply.json()["detail"]
    assert listed(client, url) == []


def outside_of_the_store(folder: Path) -> set[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path for path in files if "blobs" not in path.parts and "test.db" not in path.name}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("%2e%2e%2f%2e%2e%2fetc%2fpasswd", "etc/passwd"),
        ("C:%5CWindows%5Cwin.ini", "Windows/win.ini"),
        ("a%00b.txt", "ab.txt"),
        ("a%0d%0aSet-Cookie:%20x.txt", None),
        ("%e2%80%aegnp.exe", "gnp.exe"),
        ("x" * 5000 + ".txt", "x" * 251 + ".txt"),
        ("%D0%BE%D1%82%D1%87%D1%91%D1%82%20%E2%84%965.docx", "отчёт №5.docx"),
        ("%F0%9F%9A%A2.md", "🚢.md"),
        ("<script>alert(1)</script>.txt", "<script>alert(1)</script>.txt"),
        ("%ff%fe.txt", None),
        ("..", None),
        ("", "unnamed"),
    ],
)
def test_a_name_is_cleaned_and_never_a_path(
    client: TestClient, url: str, tmp_path: Path, sent: str, kept: str | None
) -> None:
    before = outside_of_the_store(tmp_path)
    reply = client.put(f"{url}/{sent}", content=b"x")
    if kept is not None:
        assert reply.json()["name"] == kept
    assert reply.status_code in (201, 404, 405, 422)
    assert reply.headers["content-type"] in ("application/json", "application/problem+json")
    after = outside_of_the_store(tmp_path)
    assert after == before
    assert blobs() <= {sha256(b"x").hexdigest()}


def test_a_name_in_a_form_is_cleaned_too(client: TestClient, url: str) -> None:
    (document,) = client.post(url, files={"f": ("../../x\\y.txt", b"1")}).json()["data"]
    assert document["name"] == "x/y.txt"


def test_names_that_differ_only_in_their_unicode_form_are_one_name(client: TestClient, url: str) -> None:
    first = client.put(f"{url}/%C3%A9.txt", content=b"1")
    second = client.put(f"{url}/e%CC%81.txt", content=b"1")
    assert first.json()["id"] == second.json()["id"]


def test_an_empty_file_is_a_document(client: TestClient, url: str) -> None:
    assert client.put(f"{url}/empty.txt", content=b"").json()["size"] == 0


def test_documents_are_listed_by_status_and_page_by_page(client: TestClient, url: str) -> None:
    made = [client.put(f"{url}/{i}.txt", content=f"{i}".encode()).json()["id"] for i in range(5)]
    page = client.get(url, params={"limit": 2, "status": "pending"}).json()
    rest = client.get(url, params={"limit": 100, "after": page["last_id"]}).json()
    assert [document["id"] for document in page["data"] + rest["data"]] == made[::-1]
    assert client.get(url, params={"status": "failed"}).json()["data"] == []
    assert client.get(url, params={"status": "new"}).json()["error"]["param"] == "status"


def test_a_corpus_that_is_not_there_takes_nothing(client: TestClient) -> None:
    for reply in (
        client.put("/v1/corpora/crp_no/documents/a.txt", content=b"x"),
        client.post("/v1/corpora/crp_no/documents", files={"f": ("a.txt", b"x")}),
        client.get("/v1/corpora/crp_no/documents"),
        client.get("/v1/documents/doc_no"),
    ):
        assert reply.status_code == 404
    assert blobs() == set()
