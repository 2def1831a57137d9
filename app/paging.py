"""Keyset paging: `after` (the last id seen), `limit`, and a page that says whether there is more."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import Session

from app.errors import NotFound

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list. Ask again with `after=<last_id>` while `has_more`."""

    object: str = "list"
    data: list[Item]
    has_more: bool
    first_id: str | None
    last_id: str | None


def page(
    session: Session,
    query: Select[Any],
    table: Any,
    tenant_id: str,
    after: str | None,
    limit: int,
    *,
    oldest_first: bool = False,
) -> dict[str, Any]:
    """By (created_at, id), newest first unless asked otherwise. Raises NotFound for an `after` not the tenant's."""
    if after is not None:
        last = session.get(table, after)
        if last is None or last.tenant_id != tenant_id:
            raise NotFound(f"after={after}")
        key = tuple_(table.created_at, table.id)
        query = query.where(key > (last.created_at, last.id) if oldest_first else key < (last.created_at, last.id))
    order = (table.created_at, table.id) if oldest_first else (table.created_at.desc(), table.id.desc())
    rows = session.scalars(query.order_by(*order).limit(limit + 1)).all()
    return as_page(rows[:limit], has_more=len(rows) > limit)


def as_page(rows: Sequence[Any], *, has_more: bool) -> dict[str, Any]:
    """A page of rows that have an `id`."""
    return {
        "data": list(rows),
        "has_more": has_more,
        "first_id": str(rows[0].id) if rows else None,
        "last_id": str(rows[-1].id) if rows else None,
    }
