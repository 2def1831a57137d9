"""A multipart form whose one file is written where it shall stay while it comes, and never held in memory."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import InvalidRequest, UploadIncomplete
from app.storage import Upload

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 20
MAX_FIELD_BYTES = 4096


@dataclass
class Form:
    """What came beside the bytes: the file's own name, and the other fields."""

    filename: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


async def receive(request: Request, upload: Upload, name: str) -> Form:
    """Write the file in field `name` to `upload`. Raises InvalidRequest, or UploadIncomplete without an end."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise InvalidRequest("the body must be multipart/form-data", param=name)
    reader = _Reader(upload, name)
    try:
        parser = MultipartParser(options[b"boundary"], reader.callbacks())
        async for data in request.stream():
            parser.write(data)
        parser.finalize()
    except FormParserError as error:
        raise InvalidRequest(f"the form cannot be read: {error}", param=name) from None
    if not reader.ended:
        raise UploadIncomplete("the form ended before its last boundary")
    if reader.form.filename is None:
        raise InvalidRequest(f"{name}: the form holds no such file", param=name)
    return reader.form


class _Reader:
    """The parser's callbacks: part by part, the file to the upload and the rest to the form."""

    def __init__(self, upload: Upload, name: str) -> None:
        self.upload, self.name, self.form = upload, name, Form()
        self.ended = False
        self._parts = 0

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self.part_begin,
            "on_part_data": self.part_data,
            "on_part_end": self.part_end,
            "on_header_field": self.header_field,
            "on_header_value": self.header_value,
            "on_header_end": self.header_end,
            "on_headers_finished": self.headers_finished,
            "on_end": self.end,
        }

    def part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"the form has more than {MAX_PARTS} fields", param=self.name)
        self._headers: dict[bytes, bytes] = {}
        self._key = self._value = b""
        self._text = b""

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._key += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._key.lower()] = self._value
        self._key = self._value = b""

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = options.get(b"name", b"").decode(errors="replace")
        self._is_file = self._field == self.name
        if self._is_file:
            if self.form.filename is not None:
                raise InvalidRequest(f"{self.name}: the form holds more than one file", param=self.name)
            self.form.filename = options.get(b"filename", b"").decode(errors="replace")

    def part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.upload.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > MAX_FIELD_BYTES:
            raise InvalidRequest(f"{self._field}: more than {MAX_FIELD_BYTES} bytes", param=self._field)

    def part_end(self) -> None:
        if not self._is_file:
            self.form.fields[self._field] = self._text.decode(errors="replace")

    def end(self) -> None:
        self.ended = True
