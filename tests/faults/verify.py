"""verify_job: what must hold after any fault (invariants I1 to I5 of the reliability design)."""

from collections import Counter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import Call, Dataset, Sample, Unit
from app.models.datasets import FINAL
from tests.fakes.process import FakeModel
from tests.service import Service


def verify_job(service: Service, model: FakeModel, dataset_id: str, *, killed_in_flight: int) -> dict[str, int]:
    """Check the ledger, the rows and the counters against each other and against the model server's bill.

    `killed_in_flight`: calls that may have been paid for twice, because their worker died before it had the reply.
    """
    bill = model.bill()
    engine = make_engine(service.settings().database_url)
    with Session(engine) as session:
        dataset = session.get_one(Dataset, dataset_id)
        keys = session.scalar(select(func.count()).where(Call.dataset_id == dataset_id)) or 0
        by_state = select(Sample.state, func.count()).where(Sample.dataset_id == dataset_id).group_by(Sample.state)
        states = {state: count for state, count in session.execute(by_state)}
        by_status = select(Unit.status, func.count()).where(Unit.dataset_id == dataset_id).group_by(Unit.status)
        units = {status: count for status, count in session.execute(by_status)}
        reasons = Counter(
            session.scalars(
                select(Sample.reason).where(Sample.dataset_id == dataset_id, Sample.state == "dropped")
            ).all()
        )
        slots = session.execute(select(Sample.unit_id, Sample.key).where(Sample.dataset_id == dataset_id)).all()
    engine.dispose()
    # I1: nothing that was paid for is lost: all of the bill is in the ledger, but for what was in flight at a kill.
    assert bill.total - keys <= killed_in_flight, (bill.total, keys)
    assert bill.distinct <= keys + killed_in_flight
    # I2: no row twice.
    assert len(slots) == len(set(slots))
    # I3: counters are exact.
    assert dataset.calls == keys, (dataset.calls, keys)
    assert dataset.accepted == states.get("accepted", 0)
    assert dataset.dropped == dict(reasons)
    assert dataset.units_done == units.get("done", 0)
    assert dataset.units_failed == units.get("failed", 0)
    assert dataset.units_total == sum(units.values())
    # I5: it has ended, and nothing of it is left running.
    assert dataset.status in FINAL
    assert "running" not in units
    return {"billed": bill.total, "ledger": keys, "repaid": bill.total - keys, "rows": sum(states.values())}
