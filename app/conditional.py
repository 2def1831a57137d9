"""Conditional requests (RFC 9110): strong ETags, If-None-Match, Range and If-Range."""

import re

from app.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def matches(header: str | None, etag: str) -> bool:
    """Does an If-None-Match header name this ETag (weak comparison, as the RFC asks for GET)?"""
    if not header:
        return False
    return header.strip() == "*" or any(tag.strip().removeprefix("W/") == etag for tag in header.split(","))


def byte_range(header: str | None, if_range: str | None, etag: str, size: int) -> tuple[int, int] | None:
    """[start, end) of a single-range request, or None for the whole. Raises RangeNotSatisfiable.

    Several ranges, a malformed one, and an If-Range that names another version give the whole (RFC 9110, 14.2).
    """
    if not header or (if_range and if_range.strip() != etag):
        return None
    found = _RANGE.fullmatch(header.strip())
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size or start >= end:
        raise RangeNotSatisfiable(f"the file has {size} bytes", headers={"Content-Range": f"bytes */{size}"})
    return start, end
