"""Does the judge, who sees schema and question only, write SQL with the same result? 1 or 0; one more call."""

from app.catalog.kinds import Metric

SQL_AGREEMENT = Metric(
    summary="Does the judge, who sees schema and question only, write SQL with the same result? 1 or 0.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="another_result",
    calls=1,
    tasks=frozenset({"text_to_sql"}),
)
