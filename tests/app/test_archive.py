"""An archive gives its documents as streams, and is refused for whatever is wrong with it."""

import io
import resource
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.documents.archive import members
from app.errors import ArchiveRefused
from app.settings import Settings

LIMITS = Settings()
MEGABYTE = 1024**2


def test_documents_come_in_order_with_their_content() -> None:
    content = {"b.txt": b"second letter", "folder/": b"", "folder/a.txt": b"x" * 300_000, "empty.txt": b""}
    assert _read(_zip(content)) == {"b.txt": b"second letter", "folder/a.txt": b"x" * 300_000, "empty.txt": b""}
    assert _read(_zip(content, zipfile.ZIP_STORED))["folder/a.txt"] == b"x" * 300_000


def test_a_stream_can_be_read_in_small_steps_and_left_unfinished() -> None:
    archive = _zip({"a.txt": bytes(range(256)) * 1_000, "b.txt": b"b"})
    streams = members(io.BytesIO(archive), LIMITS)
    _, first = next(streams)
    assert first.read(3) + first.read(3) == bytes(range(6))
    _, second = next(streams)
    assert second.read() == b"b"


def test_what_macos_leaves_behind_is_skipped_and_an_inner_archive_is_a_document() -> None:
    inner = _zip({"x.txt": b"x"})
    archive = _zip({"__MACOSX/._a.txt": b"j", "a/.DS_Store": b"j", "._b": b"j", "inner.zip": inner, "a.txt": b"a"})
    assert _read(archive) == {"inner.zip": inner, "a.txt": b"a"}


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Größe.txt".encode("cp437"), "Größe.txt"),
        ("Größe.txt".encode(), "Größe.txt"),
        ("Отчёт.txt".encode(), "Отчёт.txt"),
        ("Отчёт №5 за май.txt".encode("cp866"), "Отчёт №5 за май.txt"),
        (b"../../evil.txt", "evil.txt"),
        (b"C:\\evil.txt", "evil.txt"),
        (b"evil.txt\0.jpg", "evil.txt.jpg"),
    ],
)
def test_a_name_is_decoded_and_cleaned(raw: bytes, name: str) -> None:
    placeholder = "n" * len(raw)
    assert list(_read(_zip({placeholder: b"x"}).replace(placeholder.encode(), raw))) == [name]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_becomes_two_names() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", b"1")
        archive.writestr("a.txt", b"2")
    assert _read(file.getvalue()) == {"a.txt": b"1", "a (2).txt": b"2"}


def test_nothing_is_written_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _read(_zip({"../up.txt": b"x", "/abs.txt": b"x", "in/side.txt": b"x"}))
    assert list(tmp_path.rglob("*")) == []


def test_a_bomb_of_two_gigabytes_is_refused_soon_and_in_little_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block, size, checksum = bytes(16 * MEGABYTE), 2 * 1024 * MEGABYTE, 0
    packed = b""
    for _ in range(size // len(block)):
        packed += packer.compress(block)
        checksum = zlib.crc32(block, checksum)
    bomb = _forged(packed + packer.flush(), size, checksum)
    assert len(bomb) < 3 * MEGABYTE
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    _refused(bomb, "ZIP bomb")
    assert time.monotonic() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_many_files_under_the_ratio_still_count_together() -> None:
    archive = _zip({f"{at}.txt": bytes(MEGABYTE) for at in range(20)})
    _refused(archive, "inflates to more than", Settings(archive_max_bytes=10 * MEGABYTE))


def test_a_member_over_the_limit_of_an_upload_is_refused() -> None:
    _refused(_zip({"a.txt": bytes(2 * MEGABYTE)}), "A file in the archive", Settings(max_upload_bytes=MEGABYTE))


def test_too_many_entries_are_refused_even_if_the_archive_claims_few() -> None:
    archive = _zip({f"{at}": b"" for at in range(101)})
    _refused(archive, "more than 100 entries", Settings(archive_max_entries=100))
    _refused(archive, "more than 1 entries", Settings(archive_max_entries=1))
    assert len(_read(archive, Settings(archive_max_entries=101))) == 101
    end = archive.rindex(b"PK\5\6")
    lying = archive[: end + 8] + struct.pack("<HH", 1, 1) + archive[end + 12 :]
    _refused(lying, "more than 100 entries", Settings(archive_max_entries=100))


def test_an_encrypted_member_is_refused() -> None:
    archive = bytearray(_zip({"a.txt": b"x"}))
    archive[archive.index(b"PK\1\2") + 8] |= 1
    _refused(bytes(archive), "encrypted")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_a_link_or_a_device_is_refused_before_anything_is_given(kind: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("first.txt", b"x")
        link = zipfile.ZipInfo("link")
        link.external_attr = (kind | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveRefused, match="link or a device"):
        next(members(file, LIMITS))


def test_overlapping_members_are_refused() -> None:
    archive = bytearray(_zip({"a.txt": b"a" * 100, "b.txt": b"a" * 100}, zipfile.ZIP_STORED))
    second = archive.rindex(b"PK\1\2")
    struct.pack_into("<L", archive, second + 42, 0)
    _refused(bytes(archive), "overlap")


def test_a_lying_size_or_checksum_is_refused() -> None:
    packed = zlib.compress(b"x" * 1_000, wbits=-15)
    checksum = zlib.crc32(b"x" * 1_000)
    assert _read(_forged(packed, 1_000, checksum)) == {"a.txt": b"x" * 1_000}
    _refused(_forged(packed, 10, zlib.crc32(b"x" * 10)), "not what its directory says")
    _refused(_forged(packed, 2_000, checksum), "not what its directory says")
    _refused(_forged(packed, 1_000, checksum ^ 1), "not what its directory says")
    _refused(_forged(packed[:-3], 1_000, checksum), "damaged")


def test_other_compressions_are_refused() -> None:
    _refused(_zip({"a.txt": b"x"}, zipfile.ZIP_BZIP2), "Deflate")
    _refused(_zip({"a.txt": b"x"}, zipfile.ZIP_LZMA), "Deflate")


def test_what_is_damaged_at_any_place_is_refused_and_never_breaks() -> None:
    archive = _zip({"a.txt": b"hello " * 50, "b/c.txt": b"world" * 50})
    for content in (b"", b"PK", b"no archive at all", archive[:-30], archive[40:]):
        _refused(content, "damaged")
    assert _read(b"PK\5\6" + bytes(18)) == {}
    refused = 0
    for at in range(len(archive)):
        broken = bytearray(archive)
        broken[at] ^= 0xFF
        try:
            _read(bytes(broken))
        except ArchiveRefused:
            refused += 1
    assert refused > len(archive) // 4


def _zip(content: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file.getvalue()


def _forged(packed: bytes, size: int, checksum: int) -> bytes:
    """An archive of one deflated member `a.txt` whose headers say what they are told to."""
    fields = struct.pack("<HHHHHLLLHH", 20, 0, zipfile.ZIP_DEFLATED, 0, 33, checksum, len(packed), size, 5, 0)
    local = b"PK\3\4" + fields + b"a.txt" + packed
    central = b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + b"a.txt"
    return local + central + struct.pack("<4s4xHHLLH", b"PK\5\6", 1, 1, len(central), len(local), 0)


def _read(archive: bytes, limits: Settings = LIMITS) -> dict[str, bytes]:
    return {name: stream.read() for name, stream in members(io.BytesIO(archive), limits)}


def _refused(archive: bytes, detail: str, limits: Settings = LIMITS) -> None:
    with pytest.raises(ArchiveRefused, match=detail):
        for _, stream in members(io.BytesIO(archive), limits):
            while stream.read(64 * 1024):
                pass
