"""What a request for a dataset is checked for beyond its shape, each before a worker would stumble over it."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app import catalog
from app.catalog.kinds import DatasetTask
from app.datasets.schemas import Grouping
from app.errors import InvalidRequest, MissingExtra, pointer
from app.settings import settings


def invalid(param: str, message: str) -> InvalidRequest:
    """The error for one field; `param` is its path with dots."""
    said = f"{param}: {message}"
    return InvalidRequest(said, param=param, fields=[("/" + param.replace(".", "/"), said)])


def options(task: DatasetTask, given: dict[str, Any]) -> dict[str, Any]:
    """The task's options, completed. Raises InvalidRequest or UnknownCatalogEntry."""
    try:
        chosen = task.options.model_validate(given)
    except ValidationError as error:
        allowed = f"options: {', '.join(task.options.model_fields)}"
        fields = [
            # `at`: where in an option that holds a document of its own, such as a JSON schema.
            (f"/options{pointer((*found['loc'], *found.get('ctx', {}).get('at', ())))}", f"{found['msg']} ({allowed})")
            for found in error.errors()
        ]
        param = fields[0][0].strip("/").replace("/", ".")
        raise InvalidRequest(f"{param}: {fields[0][1]}", param=param, fields=fields) from None
    evolutions = getattr(chosen, "evolutions", ())
    for i, name in enumerate(evolutions):
        catalog.EVOLUTIONS.get(name, f"options.evolutions.{name if isinstance(evolutions, dict) else i}")
    return chosen.model_dump()


def extra(name: str, task: DatasetTask) -> None:
    """Raises MissingExtra when the task needs an optional part that is not installed."""
    if task.extra and task.extra.missing:
        message = f"task: {name} needs `pip install corpusmith[{task.extra.name}]` on the service"
        raise MissingExtra(message, param="task", fields=[("/task", message)])


def settings_needed(task: DatasetTask, chosen: dict[str, Any]) -> None:
    """Raises InvalidRequest when these options need something that this service's operator has not set."""
    needed = task.needs(task.options.model_validate(chosen)) if task.needs else []
    for name in needed:
        if not getattr(settings(), name):
            raise invalid("options", f"this service cannot do that; its operator sets CORPUSMITH_{name.upper()}")


def gates(task: str, given: Mapping[str, float]) -> None:
    """Raises UnknownCatalogEntry or InvalidRequest: a threshold out of range, a metric that cannot be measured here."""
    for name, value in given.items():
        metric = catalog.METRICS.get(name, f"gates.{name}")
        if metric.tasks is not None and task not in metric.tasks:
            raise invalid(f"gates.{name}", f"measures only rows of {', '.join(sorted(metric.tasks))}")
        measuring = catalog.TASKS[task].measured_by
        if measuring is not None and name not in measuring:
            raise invalid(f"gates.{name}", f"{task} has rows that only these measure: {', '.join(sorted(measuring))}")
        if value != 0 and not metric.low <= value <= metric.high:
            raise invalid(f"gates.{name}", f"between {metric.low:g} and {metric.high:g}, or 0 to keep all")
        if metric.needs and not getattr(settings(), metric.needs):
            raise invalid(
                f"gates.{name}",
                f"this service has no model for it; its operator sets CORPUSMITH_{metric.needs.upper()}",
            )


def grouping(task: DatasetTask, chosen: dict[str, Any], wanted: Grouping) -> Grouping:
    """`wanted`, and where it says nothing what the options need. Raises InvalidRequest when it says less than that."""
    having = task.options.model_validate(chosen)
    own = task.grouping(having) if task.grouping else {}
    found = Grouping.model_validate(own | wanted.model_dump(exclude_unset=True))
    least = task.chunks(having) if task.chunks else 1
    if found.sizes[1] < least:
        raise invalid("grouping.chunks_per_context", f"these options need {least} or more")
    if task.across and task.across(having) and not found.cross_document:
        raise invalid("grouping.cross_document", "these options need contexts of several documents")
    return found


def carried(task: DatasetTask, chosen: dict[str, Any], corpus_id: str | None) -> tuple[str, bytes]:
    """(name, bytes) of the document that the options hold; ("", b"") for a task over a corpus.

    Raises InvalidRequest: a corpus too many or too few, or options that hold no document.
    """
    if task.carried is None:
        if corpus_id is None:
            raise invalid("corpus_id", "this task is made of a corpus; name one")
        return "", b""
    if corpus_id is not None:
        raise invalid("corpus_id", f"this task is made of options.{task.carried.option} alone; leave the corpus out")
    document = task.carried.document(task.options.model_validate(chosen))
    if document is None:
        raise invalid(f"options.{task.carried.option}", "this task is made of these; give some")
    return task.carried.name, document
