"""The loop of a gpu worker: takes a free device and a job that waits, and keeps its run until it ends."""

import structlog
from sqlalchemy import select

from app.db import transaction
from app.models import Training
from app.trainings import service
from workers import devices, lease, shutdown
from workers.keeper import MOST_DEATHS, Claim, Keeper, give_up

log = structlog.get_logger()


def run() -> None:
    """Train one job after another, until none waits, no device is free, or this worker is to end."""
    while not shutdown.requested.is_set():
        device = devices.take()
        if device is None:
            return
        try:
            claimed = claim(device)
            if claimed is None:
                return
            log.info("training.claimed", training_id=claimed.training_id, attempt=claimed.attempt, device=device.name)
            Keeper(claimed, device).run()
        finally:
            device.free()


def claim(device: devices.Device) -> Claim | None:
    """The oldest job that waits, or whose worker is gone, under our lease now. None: there is none."""
    owner = lease.new_owner()
    waits = (Training.status.in_(("queued", "running")), ~Training.held, lease.is_free(Training))
    query = select(Training).where(*waits).order_by(Training.created_at, Training.id).limit(1)
    while True:
        with transaction() as session:
            training = session.scalar(query.with_for_update(skip_locked=True))
            if training is None:
                return None
            attempt = lease.take(session, Training, training.id, owner)
            if attempt is None:
                continue
            if training.failures >= MOST_DEATHS:
                give_up(session, training)
                continue
            if training.status == "queued":
                service.move(session, training, "running", "Fine-tuning job started")
            training.device = device.place
            training.failures += 1
            return Claim(training.id, owner, attempt)
