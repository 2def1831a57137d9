"""The script of what goes wrong: its JSON form, and the decision, repeatable from a seed, who meets which fault."""

import time
from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tests.fakes import garbage

Transport = Literal[
    "http_500", "http_503", "http_429", "poison", "context_too_long", "hang", "disconnect", "slow", "drip", "refuse"
]  # fmt: skip
Body = Literal["truncated_json", "length", "garbage", "wrong_model"]
Content = Literal[
    "same_answer", "wrong_fact", "invented_quote", "copied_question", "refusal", "prompt_echo", "wrong_language",
    "low_score", "unanswerable",
]  # fmt: skip
NEEDS: dict[str, frozenset[str]] = {
    "wrong_fact": frozenset({"answer"}),
    "invented_quote": frozenset({"quote", "quotes"}),
    "copied_question": frozenset({"question"}),
    "refusal": frozenset({"answer", "question"}),
    "prompt_echo": frozenset({"question", "questions"}),
    "wrong_language": frozenset({"answer", "question", "questions"}),
    "low_score": frozenset({"#graded"}),
    "unanswerable": frozenset({"answerable", "answerability", "quote", "quotes"}),
}


class Fault(BaseModel):
    """One thing that goes wrong. Without `rate`, `every` or `first` it meets every request the filters let through."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: Transport | Body | Content
    rate: float | None = Field(default=None, ge=0, le=1, description="share of (request, how often it was seen)")
    every: int | None = Field(default=None, ge=1, description="each n-th request that the filters let through")
    first: int | None = Field(default=None, ge=1, description="the first n requests that the filters let through")
    match: str | None = Field(default=None, description="only prompts that contain this")
    step: str | None = Field(default=None, description="only requests with this `x-corpusmith-step`")
    for_seconds: float | None = Field(default=None, gt=0, description="only so long after the script was set")
    sticky: bool = Field(default=False, description="decide from the request alone, so that a retry meets it again")
    status: int | None = Field(default=None, ge=400, le=599)
    seconds: float | None = Field(default=None, ge=0)
    endless: bool = Field(default=False, description="drip: never end")
    where: Literal["before", "middle"] | None = Field(default=None, description="disconnect: where; empty: by hash")
    body: str | None = Field(default=None, description="garbage: the name of one bad body; empty: by hash")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sum(value is not None for value in (self.rate, self.every, self.first)) > 1:
            raise ValueError("give one of rate, every, first")
        if self.body is not None and self.body not in garbage.NAMES:
            raise ValueError(f"no garbage is named {self.body}")
        return self


class Habits(BaseModel):
    """What is no fault, but how a model is: its answers, and the grades it gives when it ranks several.

    `position`, `length`: so many grade points the last answer shown, and the shortest, lose to the first and longest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    varied: bool = Field(default=False, description="answers differ by temperature and model, some of them wrong")
    position: float = Field(default=0, ge=0, le=4)
    length: float = Field(default=0, ge=0, le=4)


class Script(BaseModel):
    """A seed, the faults in the order they are tried (the first that fires wins), and a latency for all replies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    latency_ms: float | None = Field(default=None, ge=0)
    faults: tuple[Fault, ...] = ()
    habits: Habits = Habits()


def share(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but `parts`."""
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


class Decider:
    """Chooses the fault of each request. `every`, `first` and `for_seconds` count from when the script was set."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.reads_fields = any(fault.fault in NEEDS for fault in script.faults)
        self._refusals = [(i, fault) for i, fault in enumerate(script.faults) if fault.fault == "refuse"]
        self._started = time.monotonic()
        self._passed = [0] * len(script.faults)

    def choose(
        self, key: str, seen: int, prompt: str, step: str | None, fields: Iterable[str], has_parent: bool
    ) -> Fault | None:
        """The fault this request meets, `seen` being how often the same request came before."""
        present = set(fields)
        for index, fault in enumerate(self.script.faults):
            if fault.fault == "refuse" or not self._passes(fault, prompt, step):
                continue
            if fault.fault in NEEDS and not NEEDS[fault.fault] & present:
                continue
            if fault.fault == "copied_question" and not has_parent:
                continue
            if self._fires(index, fault, key, seen):
                return fault
        return None

    def refusal(self, arrival: int) -> Fault | None:
        """Is the connection reset before the request is read? The request being unread, its number stands for it."""
        for index, fault in self._refusals:
            if self._in_time(fault) and self._fires(index, fault, str(arrival), 0):
                return fault
        return None

    def _in_time(self, fault: Fault) -> bool:
        return fault.for_seconds is None or time.monotonic() - self._started < fault.for_seconds

    def _passes(self, fault: Fault, prompt: str, step: str | None) -> bool:
        return (
            self._in_time(fault)
            and (fault.match is None or fault.match in prompt)
            and (fault.step is None or fault.step == step)
        )

    def _fires(self, index: int, fault: Fault, key: str, seen: int) -> bool:
        self._passed[index] += 1
        if fault.every is not None:
            return self._passed[index] % fault.every == 0
        if fault.first is not None:
            return self._passed[index] <= fault.first
        if fault.rate is None:
            return True
        times = 0 if fault.sticky or fault.fault == "poison" else seen
        return share(self.script.seed, index, fault.fault, key, times) < fault.rate


ALL_FAULTS: tuple[str, ...] = (*get_args(Transport), *get_args(Body), *get_args(Content))
