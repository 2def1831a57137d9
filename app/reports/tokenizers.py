"""Tokenizers by name: those the settings name, the generator's, and those of local models that are there."""

from pathlib import Path

from tokenizers import Tokenizer

from app.errors import InvalidRequest
from app.settings import settings

MOST = 5


class NotLoaded(Exception):
    """A tokenizer that is named and cannot be read; says why, for people."""


def available() -> dict[str, str]:
    """Name -> folder, `tokenizer.json` or hub id, in the order in which they are taken."""
    from app.stack.packaged import PACKAGED

    found = {}
    if settings().generator_tokenizer:
        found[settings().generator_model or "generator"] = settings().generator_tokenizer
    found |= settings().tokenizers
    for name in PACKAGED:
        folder = settings().cache_dir / "models" / name
        if name not in found and (folder / "tokenizer.json").exists():
            found[name] = str(folder)
    return found


def choose(base: str | None) -> dict[str, str]:
    """`base` and up to four others. Raises InvalidRequest for a base that is not known."""
    known = available()
    if base is not None and base not in known:
        names = ", ".join(known) or "none; see CORPUSMITH_TOKENIZERS"
        message = f"model: there is no tokenizer of {base!r}; known: {names}"
        raise InvalidRequest(message, param="model", fields=[("/model", message)])
    first = {base: known[base]} if base else {}
    return dict(list({**first, **known}.items())[:MOST])


def load(source: str) -> Tokenizer:
    """From a folder, a file, or the hub (its cache first). Raises NotLoaded."""
    path = Path(source).expanduser()
    file = path / "tokenizer.json" if path.is_dir() else path
    is_hub_id = not path.exists() and source.count("/") == 1 and not source.startswith((".", "/", "~"))
    try:
        return Tokenizer.from_pretrained(source) if is_hub_id else Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception for whatever is wrong
        what = "cannot be had from the hub" if is_hub_id else "cannot be read"
        raise NotLoaded(f"{what}: {str(error)[:200]}") from error
