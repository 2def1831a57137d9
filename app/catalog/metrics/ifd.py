"""Loss of the answer given the question over its loss alone (arXiv 2308.12032); from 1 it is no help."""

from app.catalog.kinds import Metric

IFD = Metric(
    summary="Loss of the answer given the question over its loss alone (arXiv 2308.12032); from 1 it is no help.",
    low=0.0,
    high=10.0,
    threshold=1.0,
    reason="no_instruction_gain",
    keep="most",
    calls=2,
)
