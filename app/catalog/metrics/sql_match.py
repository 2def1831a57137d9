"""Does the SQL compute exactly what the question asks, no more and no less? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

SQL_MATCH = Metric(
    summary="Does the SQL compute exactly what the question asks, no more and no less? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="sql_mismatch",
    measured_by="sql_judge",
    calls=1,
    tasks=frozenset({"text_to_sql"}),
)
