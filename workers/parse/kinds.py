"""Which parser reads a file: the extension of its name says, its first bytes must agree."""

import zipfile
from collections.abc import Callable
from pathlib import PurePath
from typing import BinaryIO

from app.domain import Parsed
from workers.parse import database, encoding, language, office, pdf, rows, text, web
from workers.parse.failure import ParseFailed

MAX_CHARACTERS = 20_000_000
_MAX_BYTES_PER_CHARACTER = 4

Read = Callable[[bytes], Parsed]
TEXT_KINDS: dict[str, Read] = {
    ".txt": text.read_plain,
    ".text": text.read_plain,
    ".log": text.read_plain,
    ".md": text.read_markdown,
    ".markdown": text.read_markdown,
    ".csv": rows.read_csv,
    ".tsv": rows.read_csv,
    ".jsonl": rows.read_jsonl,
    ".ndjson": rows.read_jsonl,
    ".json": rows.read_json,
    ".sql": text.read_plain,
    ".cypher": text.read_plain,
    ".cql": text.read_plain,
}
WEB_KINDS: dict[str, Read] = {".html": web.read, ".htm": web.read, ".xhtml": web.read}
OFFICE_KINDS: dict[str, Read] = {
    ".docx": office.read_docx,
    ".pptx": office.read_pptx,
    ".xlsx": office.read_xlsx,
    ".epub": office.read_epub,
}
DATABASE_KINDS: dict[str, Read] = dict.fromkeys((".sqlite", ".sqlite3", ".db", ".duckdb", ".ddb"), database.read)
KINDS: dict[str, Read] = TEXT_KINDS | WEB_KINDS | OFFICE_KINDS | DATABASE_KINDS | {".pdf": pdf.read}

_MAGIC = {
    b"PK\x03\x04": "a ZIP archive",
    b"PK\x05\x06": "a ZIP archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old or encrypted Office file",
    b"\x89PNG\r\n": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"\x1f\x8b\x08": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"%PDF-": "a PDF",
}
_OFFICE_MARKS = {".docx": "word/", ".pptx": "ppt/", ".xlsx": "xl/", ".epub": "META-INF/container.xml"}
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")


def parse(file: BinaryIO, name: str) -> Parsed:
    """The text of `file`. Raises ParseFailed with every reason but those that end the process."""
    extension = PurePath(name).suffix.lower()
    head = file.read(1024)
    size = file.seek(0, 2)
    file.seek(0)
    if not size:
        raise ParseFailed("empty", "The file has no content.")
    _check(file, head, extension)
    if extension in TEXT_KINDS and size > MAX_CHARACTERS * _MAX_BYTES_PER_CHARACTER:
        raise _too_large()
    parsed = KINDS[extension](file.read())
    if len(parsed.text) > MAX_CHARACTERS:
        raise _too_large()
    if not parsed.text.strip():
        raise ParseFailed("empty", "The document contains no text.")
    return parsed.model_copy(update={"language": language.detect(parsed.text)})


def preload() -> None:
    """Load what every document would otherwise load for itself."""
    language.preload()
    encoding.preload()
    text.read_markdown(b"# Title\n\nText.").model_dump_json()


def _too_large() -> ParseFailed:
    return ParseFailed("too_large_text", f"The document has more than {MAX_CHARACTERS:,} characters of text.")


def _check(file: BinaryIO, head: bytes, extension: str) -> None:
    if extension not in KINDS:
        listed = ", ".join(kind.removeprefix(".") for kind in sorted(KINDS))
        raise ParseFailed("unsupported_type", f"This type of file is not read. Supported: {listed}.")
    found = next((what for magic, what in _MAGIC.items() if head.startswith(magic)), None)
    if extension == ".pdf":
        if b"%PDF-" not in head:
            raise _mismatch(extension, found) if found else ParseFailed("corrupt", "The PDF has no PDF header.")
    elif extension in OFFICE_KINDS:
        if head.startswith(b"\xd0\xcf\x11\xe0") and _ENCRYPTED_OFFICE in file.read():
            raise ParseFailed("encrypted", "The document is protected by a password.")
        if not head.startswith(b"PK"):
            raise _mismatch(extension, found) if found else ParseFailed("corrupt", "The document is damaged.")
        _check_container(file, extension)
    elif found:
        raise _mismatch(extension, found)


def _check_container(file: BinaryIO, extension: str) -> None:
    try:
        members = zipfile.ZipFile(file).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ParseFailed("corrupt", "The document is damaged: it is not a complete ZIP container.") from error
    finally:
        file.seek(0)
    if not any(member.startswith(_OFFICE_MARKS[extension]) for member in members):
        raise _mismatch(extension, "something else")


def _mismatch(extension: str, found: str) -> ParseFailed:
    return ParseFailed("unsupported_type", f"The file is named {extension} but is {found}.")
