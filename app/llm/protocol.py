"""What a recipe sees of a model: `ask`, and the one way it can fail."""

from typing import Any, Protocol

from app.domain import Context
from app.replies import Reply


class Refused(Exception):
    """No usable reply for this one request, after all that was tried: a drop reason and a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Model(Protocol):
    """The generator and the judge, as roles; how they are reached is not the recipe's business."""

    async def ask(
        self,
        ref: str,
        *,
        context: Context,
        ahead: int,
        role: str = "generator",
        count: int | None = None,
        **values: Any,
    ) -> Reply:
        """Render prompt `ref` about `context`, and return the reply, of the model class the prompt names.

        `ahead` is the number of calls on the longest path from this one to the end of the unit (1: nothing follows).
        `count` sets the exact length of the reply's list. Raises Refused.
        """
        ...
