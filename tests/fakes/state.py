"""What the fake model server has counted since it started or was reset."""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from tests.fakes.document import Prompt
from tests.fakes.envelope import metrics, tokens_in

PREFIXES_KEPT = 50_000


@dataclass(slots=True)
class State:
    """Counters, and the two memories a fault and a prefix cache need: requests seen and prefixes seen."""

    requests: int = 0
    replies: int = 0
    aborted: int = 0
    arrivals: int = 0
    running: int = 0
    waiting: int = 0
    peak_running: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0
    cache_queries: int = 0
    cache_hits: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    prefixes: dict[int, None] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget all counts in place; what is running and waiting now goes on being so."""
        fresh = State(running=self.running, waiting=self.waiting)
        for one in fields(self):
            setattr(self, one.name, getattr(fresh, one.name))

    def look_up(self, prompt: Prompt) -> None:
        """Count the prompt's tokens, and as hits those up to the end of its document if they came before."""
        self.cache_queries += tokens_in(prompt.text)
        prefix = prompt.text[: prompt.prefix_length or len(prompt.text)]
        known = hash(prefix)
        if known in self.prefixes:
            self.cache_hits += tokens_in(prefix)
            return
        if len(self.prefixes) >= PREFIXES_KEPT:
            del self.prefixes[next(iter(self.prefixes))]
        self.prefixes[known] = None

    def stats(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "distinct": len(self.seen),
            "replies": self.replies,
            "aborted": self.aborted,
            "running": self.running,
            "waiting": self.waiting,
            "peak_running": self.peak_running,
            "prompt_tokens": self.prompt_tokens,
            "generated_tokens": self.generated_tokens,
            "statuses": {str(status): times for status, times in self.statuses.items()},
            "faults": dict(self.faults),
            "steps": dict(self.steps),
            "finished": dict(self.finished),
        }

    def metrics(self, model: str) -> bytes:
        gauges: dict[str, float] = {
            "num_requests_running": self.running,
            "num_requests_waiting": self.waiting,
            "kv_cache_usage_perc": 0.0,
        }
        counters: dict[str, float] = {
            "prefix_cache_queries_total": self.cache_queries,
            "prefix_cache_hits_total": self.cache_hits,
            "prompt_tokens_total": self.prompt_tokens,
            "generation_tokens_total": self.generated_tokens,
            "num_preemptions_total": 0,
        }
        return metrics(model, gauges, counters, dict(self.finished))
