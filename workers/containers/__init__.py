"""Containers: rows that wait in a spool become files of one kind. One file is one container of the catalogue.

A writer is deterministic: the same rows give the same bytes (with the same version of the library that it uses). Its
memory does not grow with the number of rows.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from app.storage import Storage
from workers.containers.spool import File, Part, Spool

__all__ = ["File", "Part", "Spool", "Writer", "writer"]

# (rows, where to, the export's options) -> the files called data, train and validation
Writer = Callable[[Spool, Storage, dict[str, Any]], dict[str, File]]


def writer(container: str) -> Writer:
    """`workers.containers.<container>.write`. Raises ImportError when its library is not installed."""
    found: Writer = import_module(f"workers.containers.{container}").write
    return found
