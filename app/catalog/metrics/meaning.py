"""Do paraphrase and sentence say the same? By NLI in both directions, or where there is none by the judge."""

from app.catalog.kinds import Metric

MEANING = Metric(
    summary="Do paraphrase and sentence say the same? By NLI in both directions, or where there is none by the judge.",
    low=0.0,
    high=1.0,
    threshold=0.75,
    reason="meaning_changed",
    calls=1,
    tasks=frozenset({"paraphrase"}),
)
