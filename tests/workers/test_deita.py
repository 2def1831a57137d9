"""DEITA's selection: the best first, nothing like what was chosen."""

import numpy as np
import pytest

from workers.select.deita import choose


def at(*degrees: float) -> np.ndarray:
    """Unit vectors in the plane; 20 degrees apart is a cosine of 0.94, 30 degrees one of 0.87."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("scores", "degrees", "wanted", "kept"),
    [
        ([1, 5, 3], [0, 90, 180], None, [1, 2, 0]),
        ([1, 5, 3], [0, 90, 180], 2, [1, 2]),
        ([9, 8, 7], [0, 20, 40], None, [0, 2]),
        ([9, 8, 7], [0, 30, 60], None, [0, 1, 2]),
        ([5, 5, 5], [0, 0, 90], None, [0, 2]),
        ([1, 2], [0, 0], 5, [1]),
        ([], [], 3, []),
    ],
)
def test_rows_are_taken_by_score_unless_like_one_taken(
    scores: list[float], degrees: list[float], wanted: int | None, kept: list[int]
) -> None:
    assert choose(np.array(scores, dtype=float), at(*degrees), wanted) == kept


def test_a_thousand_rows_are_chosen_as_the_plain_walk_does() -> None:
    draw = np.random.default_rng(3)
    vectors = draw.normal(size=(1000, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = draw.integers(1, 37, 1000).astype(float)
    plain: list[int] = []
    for i in sorted(range(1000), key=lambda i: (-scores[i], i)):
        if all(float(vectors[i] @ vectors[j]) < 0.9 for j in plain):
            plain.append(i)
    assert choose(scores, vectors, None) == plain
    assert choose(scores, vectors, 50) == plain[:50]
    assert len(plain) < 1000


def test_each_score_has_a_vector() -> None:
    with pytest.raises(ValueError, match="2 scores for 1 vectors"):
        choose(np.array([1.0, 2.0]), at(0), None)
