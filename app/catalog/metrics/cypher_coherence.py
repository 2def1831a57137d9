"""Is the result of the Cypher the answer to the question? Question, Cypher and result graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

CYPHER_COHERENCE = Metric(
    summary="Is the result of the Cypher the answer to the question? Graded 1 to 5 by the judge, who sees all three.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="cypher_mismatch",
    measured_by="cypher_judge",
    calls=1,
    tasks=frozenset({"text_to_cypher"}),
)
