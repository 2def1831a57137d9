"""A member of a ZIP file, streamed; the same content gives the same bytes."""

import zipfile
from collections.abc import Iterator

_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP can have: when it was made does not show


def add(file: zipfile.ZipFile, path: str, data: Iterator[bytes], packed: bool = False, size: int = 0) -> None:
    """One member; what is `packed` already is stored as it is. `size`: in bytes, where it may be large."""
    info = zipfile.ZipInfo(path, _TIME)
    info.external_attr = 0o644 << 16
    info.create_system = 3  # Unix, wherever it is made
    info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    with file.open(info, "w", force_zip64=size >= zipfile.ZIP64_LIMIT // 2) as member:
        for some in data:
            member.write(some)
