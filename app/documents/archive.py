"""The documents in a ZIP archive, as streams that count what they really inflate; nothing is ever written to a path."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from app.documents import names
from app.errors import ArchiveRefused
from app.settings import Settings

_BLOCK = 64 * 1024
_RATIO_FLOOR = 10 * 1024**2  # small repetitive files may well compress better than the allowed ratio
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF8 = 0x800
_DIRECTORY_BYTES_PER_ENTRY = 1024
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_DAMAGED = "The archive is damaged or is not a ZIP archive."


def members(file: BinaryIO, limits: Settings) -> Iterator[tuple[str, BinaryIO]]:
    """(name, stream) for each document, in the order of the archive; a stream is good until the next one is asked for.

    Folders and what macOS leaves behind are skipped. An archive inside is a document like any other. Raises
    ArchiveRefused, also from reading a stream, if anything is damaged, encrypted, a link, or over a limit.
    """
    try:
        _check_directory(file, limits)
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            directory = archive.start_dir
    except (zipfile.BadZipFile, struct.error, ValueError, EOFError, NotImplementedError) as error:
        raise ArchiveRefused(_DAMAGED) from error
    if len(entries) > limits.archive_max_entries:
        raise _too_many(limits)
    for entry in entries:
        _check(entry)
    starts = _data_starts(file, entries, directory)
    unique = names.Unique()
    budget = _Budget(limits)
    for entry in entries:
        name = names.clean(_name(entry))
        if not _is_folder(entry) and not _is_junk(name):
            yield unique(name), io.BufferedReader(_Member(file, entry, starts[entry.header_offset], budget), _BLOCK)


class _Budget:
    """What is left of the whole archive's allowance."""

    def __init__(self, limits: Settings) -> None:
        self._limits, self._total = limits, 0

    def spend(self, amount: int, member: int, compressed: int) -> None:
        """Account for `amount` bytes, after which the member has grown to `member` from `compressed` bytes."""
        self._total += amount
        if self._total > self._limits.archive_max_bytes:
            raise ArchiveRefused(f"The archive inflates to more than {self._limits.archive_max_bytes:,} bytes.")
        if member > self._limits.max_upload_bytes:
            raise ArchiveRefused(f"A file in the archive has more than {self._limits.max_upload_bytes:,} bytes.")
        if member > max(_RATIO_FLOOR, compressed * self._limits.archive_max_ratio):
            ratio = self._limits.archive_max_ratio
            raise ArchiveRefused(f"A file in the archive is compressed more than {ratio} times, as in a ZIP bomb.")


class _Member(io.RawIOBase):
    """One member, inflated as it is read, against its declared size and checksum."""

    def __init__(self, file: BinaryIO, entry: zipfile.ZipInfo, start: int, budget: _Budget) -> None:
        self._file, self._entry, self._budget = file, entry, budget
        self._position, self._left = start, entry.compress_size
        self._inflater = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
        self._held, self._size, self._checksum = b"", 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        block = self._next(len(buffer))
        if not block:
            if self._size != self._entry.file_size or self._checksum != self._entry.CRC:
                raise ArchiveRefused("The archive is damaged: a file in it is not what its directory says.")
            return 0
        self._size += len(block)
        self._checksum = zlib.crc32(block, self._checksum)
        self._budget.spend(len(block), self._size, self._entry.compress_size)
        buffer[: len(block)] = block
        return len(block)

    def _next(self, most: int) -> bytes:
        if self._inflater is None:
            return self._compressed(most)
        while not self._inflater.eof:
            source = self._held or self._compressed(_BLOCK)
            try:
                block = self._inflater.decompress(source, most)
            except zlib.error as error:
                raise ArchiveRefused(_DAMAGED) from error
            self._held = self._inflater.unconsumed_tail
            if block:
                return block
            if not source:
                raise ArchiveRefused("The archive is damaged: a file in it is cut off.")
        return b""

    def _compressed(self, most: int) -> bytes:
        self._file.seek(self._position)
        block = self._file.read(min(most, self._left))
        self._position += len(block)
        self._left -= len(block)
        return block


def _check_directory(file: BinaryIO, limits: Settings) -> None:
    """Refuse a directory too large to be read: zipfile reads all of it, whatever count the archive claims."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 22 - 65_535))
    tail = file.read()
    at = len(tail) - 22
    if not (tail[-22:].startswith(b"PK\5\6") and tail.endswith(b"\0\0")):
        at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise ArchiveRefused(_DAMAGED)
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\6\7":
        (directory,) = struct.unpack_from("<Q", tail, at - 76 + 40)
    if directory > limits.archive_max_entries * _DIRECTORY_BYTES_PER_ENTRY:
        raise _too_many(limits)


def _data_starts(file: BinaryIO, entries: list[zipfile.ZipInfo], directory: int) -> dict[int, int]:
    """Where the data of the member at each header offset begins. No two members may share a byte."""
    starts: dict[int, int] = {}
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = [*(entry.header_offset for entry in ordered[1:]), directory]
    for entry, end in zip(ordered, ends, strict=False):  # an archive of no members has an end all the same
        if entry.header_offset < 0:
            raise ArchiveRefused(_DAMAGED)
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\3\4"):
            raise ArchiveRefused(_DAMAGED)
        _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        start = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        if start + entry.compress_size > end:
            raise ArchiveRefused("Files in the archive overlap, as in a ZIP bomb.")
        starts[entry.header_offset] = start
    return starts


def _check(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveRefused("The archive is encrypted.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveRefused("The archive uses a compression other than Deflate.")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveRefused("The archive contains a link or a device.")


def _name(entry: zipfile.ZipInfo) -> str:
    """The name in the encoding it was most likely written in: many tools do not set the UTF-8 flag."""
    name = entry.orig_filename
    if entry.flag_bits & _UTF8 or name.isascii():
        return name
    raw = name.encode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        russian = raw.decode("cp866")
    words = "".join(character if character.isalpha() else " " for character in russian).split()
    # A word half Latin and half Cyrillic, or a box-drawing sign, shows that it is not Russian.
    is_russian = all(word.isascii() or all("\u0400" <= letter <= "\u04ff" for letter in word) for word in words)
    return russian if is_russian and all(sign.isalpha() or sign.isascii() or sign == "№" for sign in russian) else name


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.orig_filename.endswith(("/", "\\")) or stat.S_ISDIR(entry.external_attr >> 16)


def _is_junk(name: str) -> bool:
    *folders, last = name.split("/")
    return "__MACOSX" in folders or last in (".DS_Store", "Thumbs.db") or last.startswith("._")


def _too_many(limits: Settings) -> ArchiveRefused:
    return ArchiveRefused(f"The archive has more than {limits.archive_max_entries:,} entries.")
