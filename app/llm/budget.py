"""A dataset's spending limits, checked before a call is sent and not after."""

from dataclasses import dataclass

from app.llm.parse import Usage


@dataclass(slots=True)
class Budget:
    """`calls` and `tokens` (prompt and completion together) are what is spent; limits of None mean no limit.

    Calls in flight are reserved with an estimate, so the limit is not overrun by a full window. Several processes
    share a dataset by what the database says (`spent_elsewhere`), which is at most a second old.
    """

    max_calls: int | None
    max_tokens: int | None
    calls: int = 0
    tokens: int = 0
    reserved_calls: int = 0
    reserved_tokens: int = 0

    def reserve(self, tokens: int) -> bool:
        """Room for one more call of about `tokens` tokens? Then it is reserved."""
        if self.max_calls is not None and self.calls + self.reserved_calls + 1 > self.max_calls:
            return False
        if self.max_tokens is not None and self.tokens + self.reserved_tokens + tokens > self.max_tokens:
            return False
        self.reserved_calls += 1
        self.reserved_tokens += tokens
        return True

    def settle(self, reserved: int, usage: Usage | None) -> None:
        """The call has ended: with what it used, or with None when nothing was paid for."""
        self.reserved_calls -= 1
        self.reserved_tokens -= reserved
        if usage is not None:
            self.calls += 1
            self.tokens += usage.prompt + usage.completion

    def spent_elsewhere(self, calls: int, tokens: int) -> None:
        """The database's totals: they may be ahead of ours (other workers) and may be behind (not committed yet)."""
        self.calls, self.tokens = max(self.calls, calls), max(self.tokens, tokens)
