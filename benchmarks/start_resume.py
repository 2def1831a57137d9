"""How long until it works: from the start of all processes, and from `kill -9` of all of them in the middle of a job.

    python -m benchmarks.start_resume [--paragraphs 2000] [--repeat 3] [--database postgresql://...]

All settings that decide about it (lease, sweep) are the defaults of the service, not those of the tests. A model call
is seen when it reaches the fake model; what is replayed from the ledger does not.
"""

import contextlib
import time
from statistics import median

from benchmarks import measure
from benchmarks.measure import Service
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import wait

DEFAULTS = {"lease_seconds": 60, "sweep_seconds": 15, "drain_idle_seconds": 2, "model_probe_seconds": 2}
PEERS = {"distilabel_after_kill_9": "hung on resume", "curator_calls_made_again": "22 of 415"}


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--paragraphs", type=int, default=2000, help="of the document; each is a context of 16 calls")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    folder = measure.new_folder("start")
    # 20 calls in flight of 250 ms: the job outlives the benchmark, and the machine has time for the starts.
    with FakeModel(latency_ms=250, slots=20) as model, contextlib.ExitStack() as stack:
        service = Service(folder, model_url=model.url, database_url=options.database, **DEFAULTS)
        began = time.perf_counter()
        stack.enter_context(service)
        _wait_until_ready(service)
        empty = time.perf_counter() - began
        corpus = service.corpus({"ferries.txt": ferries(options.paragraphs)})
        began = time.perf_counter()
        dataset = service.dataset(corpus, **measure.STANDARD)
        _wait_for_call(model, 0)
        first = time.perf_counter() - began
        wait(lambda: service.get(dataset)["usage"]["calls"] > 200, 120)
        ends = [_end_and_start(service, model, dataset, orderly=True) for _ in range(options.repeat)]
        kills = [_end_and_start(service, model, dataset, orderly=False) for _ in range(options.repeat)]
        found = service.get(dataset)
        bill = model.bill()
    figures = {
        "settings": DEFAULTS,
        "units": found["units"],
        "empty_folder_to_ready_s": round(empty, 2),
        "request_to_first_call_s": round(first, 2),
        "after_orderly_end": ends,
        "after_kill_9": kills,
        "calls_paid_for": bill.total,
        "calls_paid_for_twice": bill.repeated,
        "targets": {
            "ready_s": measure.judged(median(run["ready_s"] for run in ends + kills), 5, at_most=True),
            "first_call_after_start_s": measure.judged(median(run["first_call_s"] for run in ends), 10, at_most=True),
            "first_call_after_kill_9_s": measure.judged(median(run["first_call_s"] for run in kills), 10, at_most=True),
        },
        "peers": PEERS,
    }
    measure.report("start_resume", options, figures)


def _end_and_start(service: Service, model: FakeModel, dataset: str, *, orderly: bool) -> dict[str, float]:
    """End all processes, start them again, and wait for the first call; seconds from the start."""
    if orderly:
        service.stop()
    else:
        service.kill()
    wait(lambda: model.stats()["running"] == 0, 20)
    before = int(model.stats()["requests"])
    start = time.perf_counter()
    service.start()
    _wait_until_ready(service)
    ready = time.perf_counter() - start
    _wait_for_call(model, before)
    first_call = time.perf_counter() - start
    done = service.get(dataset)["usage"]["calls"]
    wait(lambda: service.get(dataset)["usage"]["calls"] > done + 40, 60)  # well under way before the next end
    return {"ready_s": round(ready, 2), "first_call_s": round(first_call, 2)}


def _wait_until_ready(service: Service) -> None:
    while service.http.get("/readyz").status_code != 200:
        time.sleep(0.02)


def _wait_for_call(model: FakeModel, before: int) -> None:
    deadline = time.monotonic() + 180
    while model.stats()["requests"] <= before:
        assert time.monotonic() < deadline, "no call within three minutes"
        time.sleep(0.02)


if __name__ == "__main__":
    main()
