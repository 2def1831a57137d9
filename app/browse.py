"""What can be asked for (GET /v1/catalog), and whether the service works (healthz, readyz)."""

from typing import Any

import redis
from fastapi import APIRouter, Response
from sqlalchemy import text

from app import catalog, prompts
from app.db import reading
from app.keys.access import TenantDep
from app.settings import settings
from app.storage import keep_bytes

catalogue = APIRouter(prefix="/v1", tags=["catalog"])
service = APIRouter(tags=["service"])


@catalogue.get("/catalog", operation_id="get_catalog")
def get_catalog(tenant: TenantDep) -> dict[str, Any]:
    """Tasks with their options, gates, prompts, cost and an example row; formats; containers; trainers of bundles;
    metrics; evolutions; training methods and variants."""
    return {
        "object": "catalog",
        "tasks": {name: _task(name) for name in catalog.TASKS},
        "formats": {
            name: {"summary": entry.summary, "loads_with": entry.loads_with, "rows": sorted(entry.shapes)}
            for name, entry in catalog.FORMATS.entries.items()
        },
        "containers": {
            name: {
                "summary": entry.summary,
                "suffix": entry.suffix,
                "loads_with": entry.loads_with,
                "options": sorted(entry.options),
                "needs": f"corpusmith[{entry.extra.name}]" if entry.extra else None,
                "usable": not (entry.extra and entry.extra.missing),
            }
            for name, entry in catalog.CONTAINERS.entries.items()
        },
        "trainers": {
            name: {
                "summary": entry.summary,
                "formats": sorted(entry.formats),
                "rows": sorted(entry.shapes),
                "tools": sorted(entry.tools),
                "containers": sorted(entry.containers),
            }
            for name, entry in catalog.TRAINERS.entries.items()
        },
        "metrics": {
            name: {
                "summary": entry.summary,
                "range": [entry.low, entry.high],
                "threshold": entry.threshold,
                "keep": entry.keep,
                "calls_per_row": entry.calls,
                "measured_by": entry.measured_by or name,
                "needs": f"CORPUSMITH_{entry.needs.upper()}" if entry.needs else None,
                "reason": entry.reason,
            }
            for name, entry in catalog.METRICS.entries.items()
        },
        "evolutions": {
            name: {"summary": entry.summary, "direction": entry.direction, "prompt": entry.prompt}
            for name, entry in catalog.EVOLUTIONS.entries.items()
        },
        "methods": {
            name: {
                "summary": entry.summary,
                "rows": sorted(entry.rows),
                "options": entry.options.model_json_schema(),
                "defaults": {**entry.defaults, "learning_rate": entry.learning_rate},
            }
            for name, entry in catalog.METHODS.entries.items()
        },
        "variants": {
            name: {
                "summary": entry.summary,
                "paper": entry.paper,
                "options": entry.options.model_json_schema(),
                "defaults": {**entry.defaults, "learning_rate_factor": entry.rate},
                "adapter": entry.adapter,
                "refused": [why for _, why in entry.refused],
            }
            for name, entry in catalog.VARIANTS.entries.items()
        },
    }


def _task(name: str) -> dict[str, Any]:
    task = catalog.TASKS[name]
    defaults = task.options()
    return {
        "summary": task.summary,
        "options": task.options.model_json_schema(),
        "gates": task.gates,
        "corpus": task.carried is None and task.source != "datasets",
        "prompts": {ref: prompts.load(ref).summary for ref in task.prompts},
        "calls_per_context": task.calls({}, task.gates, catalog.METRICS.entries),
        "rows_per_context": task.rows(defaults),
        "example": task.example,
    }


@service.get("/healthz", operation_id="healthz")
def healthz() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@service.get("/readyz", operation_id="readyz", responses={503: {"description": "A part is missing"}})
def readyz(response: Response) -> dict[str, Any]:
    """Database, broker and storage answer. Without the broker uploads and requests still work; work starts later."""
    parts = {"database": _database(), "broker": _broker(), "storage": _storage()}
    ready = all(state == "ok" for state in parts.values())
    response.status_code = 200 if ready else 503
    return {"status": "ok" if ready else "degraded", "parts": parts}


def _database() -> str:
    try:
        with reading() as session:
            session.execute(text("SELECT 1 FROM alembic_version"))
    except Exception as error:
        return type(error).__name__
    return "ok"


def _broker() -> str:
    try:
        with redis.Redis.from_url(settings().redis_url, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return type(error).__name__
    return "ok"


def _storage() -> str:
    try:
        keep_bytes(b"corpusmith")
    except Exception as error:
        return type(error).__name__
    return "ok"
