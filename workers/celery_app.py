"""The Celery app: three queues, early acknowledgement, JSON only, no results. Its messages are doorbells."""

from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_received, worker_process_init, worker_ready, worker_shutting_down
from celery.worker import state

from app import db, log
from app.queue import QUEUES
from app.settings import settings
from workers import shutdown
from workers.watchdog import Watchdog

celery_app = Celery("corpusmith", broker=settings().broker_url, include=["workers.tasks"])
celery_app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=False,  # a ring may be lost, doubled or late: leases and the sweep make up for it
    task_default_queue="cpu",
    task_routes={f"corpusmith.{name}": {"queue": queue} for name, queue in QUEUES.items()},
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,  # a busy worker would keep a bell that an idle one could answer
    worker_enable_remote_control=False,
    worker_max_tasks_per_child=200,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 900,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "retry_on_timeout": True,
    },
    beat_scheduler="workers.clock:Monotonic",
    beat_schedule={
        "sweep": {
            "task": "corpusmith.sweep",
            "schedule": settings().sweep_seconds,
            "options": {"queue": "cpu"},
        }
    },
)


@setup_logging.connect
def _logging(**_: Any) -> None:
    log.configure()


@worker_process_init.connect
def _after_fork(**_: Any) -> None:
    db.forget_connections()


@worker_ready.connect
def _watch(sender: Any, **_: Any) -> None:
    dog = Watchdog(set(sender.app.amqp.queues.consume_from), busy=lambda: bool(state.active_requests))
    task_received.connect(lambda **_: dog.received(), weak=False)
    dog.start()


@worker_ready.connect
def _look_for_work(sender: Any, **_: Any) -> None:
    """What has work and nobody at it need not wait for the next sweep: llm and gpu workers look, another sweeps."""
    looks = {QUEUES["drain"]: "corpusmith.drain", QUEUES["train"]: "corpusmith.train"}
    for queue in sender.app.amqp.queues.consume_from:
        celery_app.send_task(looks.get(queue, "corpusmith.sweep"), queue=queue)


@worker_shutting_down.connect
def _shutting_down(**_: Any) -> None:
    shutdown.requested.set()
