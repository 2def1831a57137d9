"""What a request for an export is checked for beyond its shape, before a worker would stumble over it."""

from typing import Any

from app import catalog
from app.datasets.checks import invalid
from app.errors import MissingExtra, UnknownCatalogEntry
from app.exports.schemas import ExportCreate


def check_format(task: str, name: str, options: dict[str, Any]) -> None:
    """Raises UnknownCatalogEntry for a format that there is not, or that cannot hold the rows these options make."""
    entry = catalog.FORMATS.get(name, "format")
    shape = catalog.TASKS[task].shape_of(options)
    if not entry.holds(task, shape):
        fitting = ", ".join(found for found, other in catalog.FORMATS.entries.items() if other.holds(task, shape))
        message = f"format: {name!r} cannot hold the {shape} rows of {task}; it can be: {fitting}"
        raise UnknownCatalogEntry(message, param="format", fields=[("/format", message)])


def check_container(wanted: ExportCreate) -> None:
    """Raises UnknownCatalogEntry, MissingExtra, or InvalidRequest for an option that is another container's."""
    entry = catalog.CONTAINERS.get(wanted.container, "container")
    for name in sorted(_OPTIONS - entry.options):
        if getattr(wanted, name):
            owners = ", ".join(found for found, other in catalog.CONTAINERS.entries.items() if name in other.options)
            raise invalid(name, f"is for {owners} only")
    if entry.extra and entry.extra.missing:
        message = f"container: {wanted.container} needs `pip install corpusmith[{entry.extra.name}]` on the service"
        raise MissingExtra(message, param="container", fields=[("/container", message)])


def trainers(wanted: ExportCreate, shape: str) -> list[str]:
    """The trainers that the bundle has files for. Raises UnknownCatalogEntry, or InvalidRequest: it cannot."""
    assert wanted.bundle is not None
    able = [
        name for name, entry in catalog.TRAINERS.entries.items() if entry.reads(wanted.format, shape, wanted.container)
    ]
    if wanted.bundle.trainers is None:
        return able
    for i, name in enumerate(wanted.bundle.trainers):
        catalog.TRAINERS.get(name, f"bundle.trainers.{i}")
        if name not in able:
            entry = catalog.TRAINERS[name]
            reads = ", ".join(sorted(entry.tools if shape == "tools" else entry.formats)) or "none"
            raise invalid(
                f"bundle.trainers.{i}",
                f"{name} cannot read {shape} rows as {wanted.format} in {wanted.container}; its formats: {reads}",
            )
    return list(dict.fromkeys(wanted.bundle.trainers))


_OPTIONS = frozenset({"spreadsheet_safe"})
