"""Does the summary say what matters most in the text? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

SUMMARY_COVERAGE = Metric(
    summary="Does the summary say what matters most in the text? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=3.0,
    reason="misses_the_point",
    measured_by="summary_judge",
    calls=1,
    tasks=frozenset({"summarise"}),
)
