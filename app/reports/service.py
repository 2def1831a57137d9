"""A dataset's report: stored once it has ended, remembered for half a minute while it goes on."""

from contextlib import suppress

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from app import storage
from app.datasets import service as datasets
from app.db import reading, transaction
from app.errors import NotFound
from app.models import Dataset, Report
from app.models.datasets import FINAL
from app.remembered import Remembered
from app.reports.build import build
from app.reports.schemas import ReportRead

FORMAT = 1  # of what is stored: raise it when `ReportRead` changes, and old ones are computed again
SECONDS_LIVE = 30.0
_live: Remembered[ReportRead] = Remembered(most=16, seconds=SECONDS_LIVE)
_final: Remembered[ReportRead] = Remembered(most=16, seconds=SECONDS_LIVE)  # so that one request computes it

log = structlog.get_logger()


def read(tenant_id: str, dataset_id: str) -> ReportRead:
    """The report. Raises NotFound, or Busy when others are being computed."""
    with reading() as session:
        dataset = datasets.get(session, tenant_id, dataset_id)
        stored = session.get(Report, dataset_id)
    if dataset.status not in FINAL:
        return _live.get(dataset_id, lambda: build(dataset))
    if found := _stored(dataset, stored):
        return found
    return _final.get((dataset_id, dataset.version), lambda: _build_and_store(dataset))


def store(dataset_id: str) -> None:
    """Compute and store the report of a dataset that has ended, unless that was done."""
    with reading() as session:
        dataset, stored = session.get(Dataset, dataset_id), session.get(Report, dataset_id)
    if dataset is not None and dataset.status in FINAL and not _stored(dataset, stored):
        _build_and_store(dataset)


def _stored(dataset: Dataset, stored: Report | None) -> ReportRead | None:
    """The stored report if it is of this version of the dataset, in today's format, and still there."""
    if stored is None or (stored.dataset_version, stored.format) != (dataset.version, FORMAT):
        return None
    try:
        return ReportRead.model_validate_json(storage.text(stored.sha256))
    except (NotFound, ValidationError) as error:
        log.warning("report.unreadable", dataset_id=dataset.id, error=type(error).__name__)
        return None


def _build_and_store(dataset: Dataset) -> ReportRead:
    report = build(dataset)
    sha256 = storage.keep_bytes(report.model_dump_json().encode())
    with suppress(IntegrityError), transaction() as session:  # another process has stored the same just now
        session.merge(
            Report(
                dataset_id=dataset.id,
                tenant_id=dataset.tenant_id,
                dataset_version=dataset.version,
                format=FORMAT,
                sha256=sha256,
            )
        )
    log.info("report.stored", dataset_id=dataset.id, seconds=report.seconds)
    return report
