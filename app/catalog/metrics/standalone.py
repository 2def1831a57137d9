"""1 when question and answer can be read without the document; 0 when they speak of "the text" or "the document"."""

from app.catalog.kinds import Metric

STANDALONE = Metric(
    summary='1 when question and answer can be read alone; 0 when they speak of "the text" or "the document".',
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="mentions_document",
)
