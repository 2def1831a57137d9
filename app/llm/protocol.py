"""What a recipe sees of a model: `ask`, and the one way it can fail."""

from collections.abc import Mapping
from typing import Any, Protocol

from app.domain import Context
from app.replies import Reply


class Refused(Exception):
    """No usable reply for this one request, after all that was tried: a drop reason and a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Model(Protocol):
    """The generator, the judge and the trainee, as roles; how they are reached is not the recipe's business."""

    async def ask(
        self,
        ref: str,
        *,
        context: Context,
        ahead: int,
        role: str = "generator",
        count: int | None = None,
        sample: int = 0,
        temperature: float | None = None,
        model: str | None = None,
        fields: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Reply:
        """Render prompt `ref` about `context`, and return the reply, of the model class the prompt names.

        `ahead` is the number of calls on the longest path from this one to the end of the unit (1: nothing follows).
        `count` sets the exact length of the reply's list. `fields` are JSON schemas in place of those of the reply's
        own fields: what is known of them only now, such as the labels there are; the caller checks what comes.
        The same request with another `sample` is a call of its own: a prompt with a temperature gives another reply.
        `temperature` instead of the prompt's own; `model`: another model that the role's server has, by its name
        there. Raises Refused.
        """
        ...

    async def loss(
        self, *, context: Context | None, prefix: str, text: str, ahead: int, role: str = "trainee"
    ) -> float:
        """The mean negative log-likelihood, in nats per token, of `text` given `prefix`; 0 is "knew every word".

        Both are the prompt as it stands: put white space between them at the end of `prefix`. With an empty prefix the
        first token is not counted, since nothing comes before it. `context` adds no text: it names the server to ask,
        where a role has several. Raises Refused (reason `too_short` for a text of no scored token). A server that gives
        no log-probabilities fails the dataset at once (`no_logprobs`).
        """
        ...
