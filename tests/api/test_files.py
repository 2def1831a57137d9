"""Files and uploads in parts, as clients of OpenAI's API use them."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openai import BadRequestError, NotFoundError, OpenAI
from sqlalchemy import func, select, update

from app.db import reading, transaction
from app.files.blobs import SALT_BYTES
from app.models import File, PartedUpload, UploadPart
from app.settings import settings
from tests.api.conftest import open_api
from workers import tidy

DATA = b'{"messages": []}\n' * 1000


def send(client: TestClient, data: bytes = DATA, *, name: str = "rows.jsonl", **fields: Any) -> dict[str, Any]:
    reply = client.post("/v1/files", files={"file": (name, data)}, data={"purpose": "fine-tune"} | fields)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def count(table: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def blobs() -> list[Path]:
    return [path for path in (settings().data_dir / "blobs").glob("??/*") if path.stat().st_size > len(b"corpusmith")]


def test_a_file_is_what_was_sent(client: TestClient) -> None:
    file = send(client, name="C:\\rows\r\n/../мои строки.jsonl")
    assert (file["object"], file["bytes"], file["purpose"], file["status"]) == (
        "file",
        len(DATA),
        "fine-tune",
        "processed",
    )
    assert file["filename"] == "мои строки.jsonl"
    assert client.get(f"/v1/files/{file['id']}").json() == file
    got = client.get(f"/v1/files/{file['id']}/content")
    assert got.content == DATA
    assert got.headers["etag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert got.headers["content-type"] == "application/jsonl"


def test_its_content_can_be_asked_for_in_part_and_by_head(client: TestClient) -> None:
    url = f"/v1/files/{send(client)['id']}/content"
    head = client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(DATA)))
    part = client.get(url, headers={"Range": f"bytes={len(DATA) - 5}-"})
    assert (part.status_code, part.content) == (206, DATA[-5:])
    assert part.headers["content-range"] == f"bytes {len(DATA) - 5}-{len(DATA) - 1}/{len(DATA)}"
    assert client.get(url, headers={"Range": f"bytes={len(DATA)}-"}).status_code == 416
    assert client.get(url, headers={"If-None-Match": head.headers["etag"]}).status_code == 304


def test_an_empty_file_and_one_of_many_boundaries_come_as_they_are(client: TestClient) -> None:
    for data in (b"", b"\r\n--", b"--\r\n" * 9, os.urandom(70_000)):
        file = send(client, data)
        assert client.get(f"/v1/files/{file['id']}/content").content == data


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"purpose": "fine-tune-results"}, "purpose"),
        ({"purpose": "No Word"}, "purpose"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "60"}, "expires_after.seconds"),
        ({"expires_after[anchor]": "yesterday", "expires_after[seconds]": "3600"}, "expires_after.anchor"),
        ({"expires_after[seconds]": "3600"}, "expires_after.anchor"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_field(
    client: TestClient, fields: dict[str, str], param: str
) -> None:
    reply = client.post("/v1/files", files={"file": ("a", b"x")}, data={"purpose": "fine-tune"} | fields)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert count(File) == 0


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"--b\r\nContent-Disposition: form-data; name=purpose\r\n\r\nevals\r\n--b--\r\n", "b", 400, "invalid_request"),
        (b"--b\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\nab", "b", 400, "upload_incomplete"),
        (b"nonsense", "b", 400, "invalid_request"),
        (b"{}", "", 400, "invalid_request"),
    ],
)
def test_a_form_that_is_none_is_refused(client: TestClient, body: bytes, kind: str, status: int, code: str) -> None:
    media = f"multipart/form-data; boundary={kind}" if kind else "application/json"
    reply = client.post("/v1/files", content=body, headers={"content-type": media})
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_a_file_over_the_limit_is_refused_and_not_kept(client: TestClient, environment: pytest.MonkeyPatch) -> None:
    environment.setattr(settings(), "max_upload_bytes", 1000)
    for size in (1001, 200_000):
        reply = client.post("/v1/files", files={"file": ("a", b"x" * size)}, data={"purpose": "evals"})
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert (count(File), blobs()) == (0, [])


def test_files_are_listed_by_page_order_and_purpose(client: TestClient) -> None:
    made = [send(client, purpose=purpose)["id"] for purpose in ("evals", "fine-tune", "evals", "evals")]
    assert [file["id"] for file in client.get("/v1/files").json()["data"]] == made[::-1]
    page = client.get("/v1/files", params={"order": "asc", "limit": 3, "purpose": "evals"}).json()
    assert ([file["id"] for file in page["data"]], page["has_more"]) == ([made[0], made[2], made[3]], False)
    page = client.get("/v1/files", params={"order": "asc", "limit": 2, "after": made[0]}).json()
    assert ([file["id"] for file in page["data"]], page["has_more"], page["last_id"]) == (made[1:3], True, made[2])


def test_a_deleted_file_is_gone_and_its_bytes_with_the_next_sweep_those_of_its_twin_stay(client: TestClient) -> None:
    file, twin = send(client), send(client)
    assert client.delete(f"/v1/files/{file['id']}").json() == {"id": file["id"], "object": "file", "deleted": True}
    for reply in (client.get(f"/v1/files/{file['id']}"), client.delete(f"/v1/files/{file['id']}")):
        assert (reply.status_code, reply.json()["error"]["param"]) == (404, "file_id")
    assert [found["id"] for found in client.get("/v1/files").json()["data"]] == [twin["id"]]
    tidy.run()
    assert client.get(f"/v1/files/{twin['id']}/content").content == DATA
    assert (count(File), [path.stat().st_size for path in blobs()]) == (1, [len(DATA) + SALT_BYTES])


def test_a_file_whose_time_is_over_is_gone(client: TestClient) -> None:
    file = send(client, DATA, **{"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"})
    assert file["expires_at"] == file["created_at"] + 3600
    with transaction() as session:
        session.execute(update(File).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert client.get(f"/v1/files/{file['id']}").status_code == 404
    tidy.run()
    assert (count(File), blobs()) == (0, [])


def test_a_retry_of_an_sdk_makes_no_second_file(client: TestClient) -> None:
    request: dict[str, Any] = {"files": {"file": ("a.jsonl", DATA)}, "data": {"purpose": "fine-tune"}}
    first = client.post("/v1/files", **request).json()
    again = client.post("/v1/files", **request, headers={"x-stainless-retry-count": "1"}).json()
    assert first == again
    assert (count(File), len(blobs())) == (1, 1)


def test_nobody_sees_the_files_of_another(client: TestClient, tenants: dict[str, dict[str, str]]) -> None:
    def post(path: str, who: str, **more: Any) -> Any:
        return client.post(path, headers=tenants[who], **more)

    file = post("/v1/files", "ours", files={"file": ("a", b"x")}, data={"purpose": "evals"}).json()["id"]
    announced = {"bytes": 1, "filename": "a", "mime_type": "text/plain", "purpose": "evals"}
    upload = post("/v1/uploads", "ours", json=announced).json()["id"]
    assert client.get("/v1/files", headers=tenants["theirs"]).json()["data"] == []
    for reply in (
        client.get(f"/v1/files/{file}", headers=tenants["theirs"]),
        client.get(f"/v1/files/{file}/content", headers=tenants["theirs"]),
        client.delete(f"/v1/files/{file}", headers=tenants["theirs"]),
        client.get("/v1/files", params={"after": file}, headers=tenants["theirs"]),
        post(f"/v1/uploads/{upload}/parts", "theirs", files={"data": b"x"}),
        post(f"/v1/uploads/{upload}/complete", "theirs", json={"part_ids": []}),
        post(f"/v1/uploads/{upload}/cancel", "theirs"),
    ):
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


def announce(client: TestClient, size: int) -> str:
    body = {"bytes": size, "filename": "big.jsonl", "mime_type": "application/jsonl", "purpose": "fine-tune"}
    return str(client.post("/v1/uploads", json=body).json()["id"])


def part(client: TestClient, upload: str, data: bytes) -> str:
    reply = client.post(f"/v1/uploads/{upload}/parts", files={"data": ("upload", data)})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


def test_parts_that_come_at_once_become_a_file_in_the_order_asked_for(client: TestClient) -> None:
    pieces = [os.urandom(50_000) for _ in range(8)]
    whole = b"".join(pieces)
    upload = announce(client, len(whole))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda piece: part(client, upload, piece), pieces))
    done = {"part_ids": found, "md5": hashlib.md5(whole).hexdigest()}
    replies = [client.post(f"/v1/uploads/{upload}/complete", json=done).json() for _ in range(2)]
    assert replies[0] == replies[1]
    assert (replies[0]["status"], replies[0]["file"]["bytes"]) == ("completed", len(whole))
    assert client.get(f"/v1/files/{replies[0]['file']['id']}/content").content == whole
    tidy.run()
    assert (count(UploadPart), count(File), len(blobs())) == (0, 1, 1)
    late = client.post(f"/v1/uploads/{upload}/parts", files={"data": b"late"})
    assert (late.status_code, late.json()["error"]["code"]) == (400, "wrong_state")
    assert late.headers["x-should-retry"] == "false"


def test_parts_that_do_not_add_up_can_be_corrected(client: TestClient) -> None:
    upload = announce(client, 6)
    first, second = part(client, upload, b"abc"), part(client, upload, b"def")
    for body, param in (
        ({"part_ids": [first]}, "part_ids"),
        ({"part_ids": [first, "part_no"]}, "part_ids"),
        ({"part_ids": [first, second], "md5": hashlib.md5(b"abcdeF").hexdigest()}, "md5"),
        ({"part_ids": [first, second], "md5": "short"}, "md5"),
    ):
        reply = client.post(f"/v1/uploads/{upload}/complete", json=body)
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, param), reply.text
    reply = client.post(f"/v1/uploads/{upload}/complete", json={"part_ids": [second, first]})
    assert client.get(f"/v1/files/{reply.json()['file']['id']}/content").content == b"defabc"


def test_a_cancelled_and_an_expired_upload_take_nothing_and_leave_nothing(client: TestClient) -> None:
    cancelled, expired = announce(client, 3), announce(client, 3)
    parts = {upload: part(client, upload, b"a much longer part") for upload in (cancelled, expired)}
    for _ in range(2):
        assert client.post(f"/v1/uploads/{cancelled}/cancel").json()["status"] == "cancelled"
    with transaction() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(PartedUpload).where(PartedUpload.id == expired).values(expires_at=past))
    for upload in (cancelled, expired):
        for reply in (
            client.post(f"/v1/uploads/{upload}/parts", files={"data": b"x"}),
            client.post(f"/v1/uploads/{upload}/complete", json={"part_ids": [parts[upload]]}),
        ):
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "wrong_state")
    tidy.run()
    assert (count(UploadPart), blobs()) == (0, [])


def test_too_large_a_part_or_file_is_refused(client: TestClient, environment: pytest.MonkeyPatch) -> None:
    upload = announce(client, 5000)
    environment.setattr(settings(), "max_part_bytes", 1000)
    reply = client.post(f"/v1/uploads/{upload}/parts", files={"data": b"x" * 1001})
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    body = {"bytes": 9 * 1024**3, "filename": "a", "mime_type": "text/plain", "purpose": "evals"}
    assert client.post("/v1/uploads", json=body).status_code == 413


def test_the_official_sdk_uploads_in_chunks_over_a_restart_and_follows_pages(tmp_path: Path) -> None:
    """200 MB as the SDK cuts it is the same thing, slower; here the parts are small and there are more of them."""
    data = os.urandom(300_000)
    with open_api(tmp_path) as service:
        client = OpenAI(base_url=f"{service.http.base_url}/v1", api_key="none", max_retries=5)
        upload = client.uploads.create(
            bytes=len(data), filename="x.jsonl", mime_type="application/jsonl", purpose="fine-tune"
        )
        parts = []
        for start in range(0, len(data), 100_000):
            parts.append(client.uploads.parts.create(upload.id, data=data[start : start + 100_000]).id)
            service.kill("api")
            service.start("api")
        done = client.uploads.complete(upload.id, part_ids=parts, md5=hashlib.md5(data).hexdigest())
        assert done.file is not None and client.files.content(done.file.id).read() == data
        chunked = client.uploads.upload_file_chunked(
            file=data, filename="y.jsonl", bytes=len(data), mime_type="application/jsonl", purpose="fine-tune",
            part_size=64_000,
        )  # fmt: skip
        assert chunked.file is not None and client.files.content(chunked.file.id).read() == data
        for i in range(4):
            client.files.create(file=(f"{i}.jsonl", b"{}\n"), purpose="evals")
        assert len(list(client.files.list(limit=2))) == 6
        assert client.files.wait_for_processing(done.file.id).status == "processed"
        assert client.files.delete(done.file.id).deleted
        with pytest.raises(NotFoundError) as missing:
            client.files.retrieve(done.file.id)
        assert (missing.value.code, missing.value.param) == ("not_found", "file_id")
        with pytest.raises(BadRequestError) as refused:
            client.files.create(file=b"x", purpose="batch_output")  # type: ignore[arg-type]
        assert (refused.value.code, refused.value.param) == ("invalid_request", "purpose")
