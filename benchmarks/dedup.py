"""Copies among many rows: how long the stages of the selection take, in what memory, and how much they find.

    python -m benchmarks.dedup [--rows 10000,100000,1000000] [--vectors 100000]

Rows are question and answer of usual lengths, their words drawn as in natural text (Zipf over 20,000), no two alike but
the planted ones: a tenth are exact copies in other case and spacing, a tenth near copies (one word more, or one in the
middle replaced). Every size runs in a process of its own, so that its memory is its own. `split` is the join that keeps
near copies of 0.5 and more on one side. Vectors are unit, 384 wide and in clusters; their truth is the same search
by a plain product of each row with all others, for a sample of rows.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks import measure
from tests.select.texts import Writer, jaccard
from workers.select import duplicates, join, semantic
from workers.select.words import words

NEAR_COPY, SPLIT = 0.85, 0.5
SAMPLE = 500


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--rows", default="10000,100000,1000000", help="sizes, separated by commas")
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--one", type=int, default=0, help="run this size in this process")
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(_copies(options.one)))
        return
    sizes = [int(size) for size in options.rows.split(",")]
    runs = [_apart(size) for size in sizes]
    largest, found = runs[-1], _semantic(options.vectors)
    figures = {
        "runs": runs,
        "seconds_per_tenfold": [
            round(later["seconds"] / max(earlier["seconds"], 1e-3), 1) for earlier, later in pairwise(runs)
        ],
        "semantic": found,
        "targets": {
            "seconds_at_1m": measure.judged(largest["seconds"] * 1e6 / largest["rows"], 120, at_most=True),
            "rss_mib_at_the_largest": measure.judged(largest["rss_mib"], 4096, at_most=True),
            "recall_of_near_copies": measure.judged(min(run["recall_near"] for run in runs), 0.95),
            "precision": measure.judged(min(run["precision"] for run in runs), 0.95),
            "semantic_recall": measure.judged(found["recall"], 0.95),
        },
    }
    measure.report("dedup", options, figures)


def _apart(size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.dedup", "--one", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _rows(size: int) -> Iterator[tuple[str, int | None, bool]]:
    """(text, the row it was copied from, exactly): originals, and behind every eighth two copies of the same."""
    writer, number = Writer(size), 0
    while number < size:
        text = writer.row()
        yield text, None, False
        number += 1
        if (number - 1) % 10 == 0:
            yield text.upper().replace(" ", "  "), number - 1, True
            edit = writer.continued if number % 20 == 1 else writer.edited
            yield edit(text), number - 1, False
            number += 2


def _copies(size: int) -> dict[str, Any]:
    """Both stages over `size` rows. Making the rows is not counted; a batch of them at a time is in memory."""
    seen = duplicates.Seen(NEAR_COPY)
    exact, near, wrong = [0, 0], [0, 0], 0
    hashes: join.Sets = []
    drop_seconds, batch, number = 0.0, list[tuple[str, int | None, bool, float]](), 0
    rows = _rows(size)
    texts = dict[int, str]()
    while True:
        batch = []
        for text, source, same in rows:
            if source is None:
                texts[number + len(batch)] = text
            similarity = jaccard(text, texts[source]) if source is not None else 0.0
            batch.append((text, source, same, similarity))
            if len(batch) == duplicates.AT_ONCE:
                break
        if not batch:
            break
        texts = {at: text for at, text in texts.items() if at > number - 10}
        start = time.perf_counter()
        split = [words(text) for text, _, _, _ in batch]
        found = list(seen.repeats([(number + at, both) for at, both in enumerate(split)]))
        shingled = duplicates.hashes(split)
        hashes += [one for one, repeat in zip(shingled, found, strict=True) if repeat is None]
        drop_seconds += time.perf_counter() - start
        for (_, source, same, similarity), repeat in zip(batch, found, strict=True):
            if same:
                exact[0] += 1
                exact[1] += repeat is not None and repeat[1] == 1.0
            elif source is not None and similarity >= NEAR_COPY + 0.03:
                near[0] += 1
                near[1] += repeat is not None
            wrong += repeat is not None and (source is None or similarity < NEAR_COPY - 0.1)
        number += len(batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    pairs = sum(len(left) for left, _ in join.pairs(hashes, SPLIT))
    return {
        "rows": number,
        "seconds": round(drop_seconds, 2),
        "rows_per_s": round(number / drop_seconds),
        "rss_mib": round(peak),
        "recall_exact": round(exact[1] / exact[0], 4),
        "recall_near": round(near[1] / near[0], 4),
        "precision": round(1 - wrong / max(1, exact[1] + near[1] + wrong), 4),
        "split": {
            "rows": len(hashes),
            "seconds": round(time.perf_counter() - start, 2),
            "pairs": pairs,
            "rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        },
    }


def _semantic(size: int) -> dict[str, Any]:
    """Clusters of five rows with cosines about 0.93 to each other; the truth of a sample is computed apart."""
    random = np.random.default_rng(1)
    centres = random.normal(size=(size // 5, 384)).astype(np.float32)
    vectors = np.repeat(centres, 5, axis=0)
    vectors += np.float32(0.2) * random.normal(size=vectors.shape).astype(np.float32)
    vectors += (random.random(len(vectors)) < 0.2).astype(np.float32)[:, None] * np.float32(0.2) * vectors[::-1]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    random.shuffle(vectors)
    facts = [0] * len(vectors)
    start = time.perf_counter()
    found = {row: other for row, other, _ in semantic.repeated(vectors, facts, within=0.95, overall=0.95)}
    seconds = time.perf_counter() - start
    kept = np.array([row not in found for row in range(len(vectors))])
    sample = random.choice(len(vectors), size=min(SAMPLE, len(vectors)), replace=False)
    truth = [
        int(row) for row in sample if np.any((vectors[:row].astype(np.float64) @ vectors[row] >= 0.95) & kept[:row])
    ]
    return {
        "rows": len(vectors),
        "dimensions": 384,
        "seconds": round(seconds, 1),
        "dropped": len(found),
        "sampled_truths": len(truth),
        "recall": round(sum(row in found for row in truth) / max(1, len(truth)), 4),
    }


if __name__ == "__main__":
    main()
