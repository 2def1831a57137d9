"""1 when the answer is JSON that meets the schema of its row, else 0."""

from app.catalog.kinds import Metric

VALID_JSON = Metric(
    summary="1 when the answer is JSON that meets the schema of its row, else 0.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="schema_mismatch",
    tasks=frozenset({"extract"}),
)
