"""Can the question be understood, and answered in one way, without the SQL? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

SQL_CLARITY = Metric(
    summary="Can the question be understood, and answered in one way, without the SQL? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="sql_unclear",
    measured_by="sql_judge",
    calls=1,
    tasks=frozenset({"text_to_sql"}),
)
