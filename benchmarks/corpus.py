"""Chunks of real English text for benchmarks: the standard library's own documentation strings, or a JSONL file."""

import inspect
import json
import pkgutil
import random
import warnings
from importlib import import_module
from pathlib import Path

TARGET = 1568  # mean characters of a chunk in the standard job


def chunks(n: int, file: Path | None = None) -> list[str]:
    """`n` texts of about 1,500 characters each: `text` members of `file`, or docstrings of the standard library."""
    if file is not None:
        with file.open() as lines:
            return [json.loads(line)["text"] for _, line in zip(range(n), lines, strict=False)]
    texts, current = [], ""
    for paragraph in _paragraphs():
        if len(current) + len(paragraph) > TARGET + 150 and len(current) > TARGET - 400:
            texts.append(current[:1800])
            current = ""
        current += ("\n" if current else "") + paragraph
    random.Random(3).shuffle(texts)
    if len(texts) < n:
        raise ValueError(f"the standard library's documentation gives {len(texts)} chunks, not {n}: use --corpus FILE")
    return texts[:n]


def _paragraphs() -> list[str]:
    seen: dict[str, None] = {}
    for info in sorted(pkgutil.iter_modules(), key=lambda found: found.name):
        path = getattr(info.module_finder, "path", "")
        if info.name.startswith(("_", "idle", "test", "antigravity", "this", "turtle")) or "site-packages" in path:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = import_module(info.name)
        except Exception:  # a module for another system
            continue
        for _, member in [("", module), *inspect.getmembers(module)]:
            for documented in [member, *(vars(member).values() if inspect.isclass(member) else ())]:
                text = " ".join((getattr(documented, "__doc__", None) or "").split())
                if len(text) > 80:
                    seen[text[:1700]] = None
    return list(seen)
