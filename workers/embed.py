"""Sentence embeddings: unit vectors of texts, kept in the database so that no text is embedded twice."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from app.db import is_postgres, reading, slices, transaction
from app.models import Embedding
from workers import sentence_encoder


def vectors(tenant_id: str, texts: list[str]) -> NDArray[np.float32]:
    """Unit vectors, shape (len(texts), dimensions), of the configured sentence-transformers model."""
    name = sentence_encoder.name()
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    known = _known(tenant_id, name, keys)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        fresh = dict(zip(missing, sentence_encoder.encode(list(missing.values())), strict=True))
        _keep(tenant_id, name, fresh)
        known |= fresh
    return np.stack([known[key] for key in keys])


def _known(tenant_id: str, name: str, keys: list[str]) -> dict[str, NDArray[np.float32]]:
    found = {}
    with reading() as session:
        for some in slices(keys):
            rows = session.execute(
                select(Embedding.sha256, Embedding.vector).where(
                    Embedding.tenant_id == tenant_id, Embedding.model == name, Embedding.sha256.in_(some)
                )
            )
            found.update({key: np.frombuffer(vector, dtype="<f4") for key, vector in rows})
    return found


def _keep(tenant_id: str, name: str, fresh: dict[str, NDArray[np.float32]]) -> None:
    rows = [
        {"tenant_id": tenant_id, "model": name, "sha256": key, "vector": vector.astype("<f4").tobytes()}
        for key, vector in fresh.items()
    ]
    with transaction() as session:
        insert = postgresql.insert(Embedding) if is_postgres(session) else sqlite.insert(Embedding)
        session.execute(insert.on_conflict_do_nothing(), rows)
