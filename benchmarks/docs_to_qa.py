"""The standard job on the whole product: N chunks, 16 calls each, API -> Celery -> database, against a simulated vLLM.

    python -m benchmarks.docs_to_qa --n 200 [--slots 256 --speed 1 --kv-tokens 440000] [--database postgresql://...]
                                    [--corpus FILE] [--p500 0.01 --ptrunc 0.02] [--kill-at 0.5] [--flush-at 0.5]
                                    [--llm-workers 1] [--servers 1]

Prints one JSON line. `efficiency` is the simulator's ideal time of the same requests over the wall time from its first
request to its last response; the best any client can do with this job's dependencies is 0.958 at N=200. Peers on the
same job and simulator (N=200, 256 slots): NeMo Data Designer 0.79, curator 0.69, distilabel 0.68, sdg-hub 0.66.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
from redis import Redis

from app.catalog import TASKS
from benchmarks.corpus import chunks
from benchmarks.measure import Service, cpu_seconds
from tests.nursery import ROOT
from tests.service import free_port, wait


def main() -> None:
    options = _options()
    ports = [free_port() for _ in range(options.servers)]
    servers = [_simulator(port, options) for port in ports]
    try:
        figures = _run(options, [f"http://127.0.0.1:{port}" for port in ports])
        spent = sum(cpu_seconds(server.pid) for server in servers)
        figures["simulator_cpu_ms_per_call"] = round(1000 * spent / max(1, figures["calls"]), 3)
        print(json.dumps(figures))  # noqa: T201
    finally:
        for server in servers:
            server.kill()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--slots", type=int, default=256)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--kv-tokens", type=int, default=440_000)
    parser.add_argument("--p500", type=float, default=0.0)
    parser.add_argument("--ptrunc", type=float, default=0.0)
    parser.add_argument("--kill-at", type=float, default=0.0, help="kill -9 the LLM workers at this share of the calls")
    parser.add_argument(
        "--flush-at", type=float, default=0.0, help="empty the broker, and kill its clients' connections"
    )
    parser.add_argument("--llm-workers", type=int, default=1)
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--database", default="", help="empty: SQLite")
    parser.add_argument("--corpus", type=Path, help="JSONL with `text`; default: the standard library's documentation")
    parser.add_argument("--keep", type=Path, help="folder for data and logs (default: a temporary one)")
    return parser.parse_args()


def _simulator(port: int, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    flags = {
        "--port": port,
        "--model": "fake",
        "--max-num-seqs": options.slots,
        "--speed": options.speed,
        "--kv-tokens": options.kv_tokens,
        "--p500": options.p500,
        "--ptrunc": options.ptrunc,
    }
    words = [str(word) for flag in flags.items() for word in flag]
    process = subprocess.Popen([sys.executable, str(ROOT / "benchmarks" / "vllm_sim.py"), *words])
    wait(lambda: _answers(port), 20)
    return process


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _run(options: argparse.Namespace, bases: list[str]) -> dict[str, Any]:
    folder = options.keep or Path(tempfile.mkdtemp(prefix="docs-to-qa-"))
    folder.mkdir(parents=True, exist_ok=True)
    texts = chunks(options.n, options.corpus)
    urls = ",".join(base + "/v1" for base in bases)
    service = Service(
        folder,
        model_url=urls,
        database_url=options.database,
        llm_workers=options.llm_workers,
        lease_seconds=5 if options.kill_at else 60,
        sweep_seconds=2 if options.kill_at else 15,
    )
    with service:
        corpus = service.corpus({f"{i:04}.txt": text.encode() for i, text in enumerate(texts)})
        wait(lambda: _parsed(service, corpus) == options.n, 120)
        before = _cpu(service)
        dataset = service.dataset(
            corpus,
            gates=dict.fromkeys(TASKS["grounded_qa"].gates, 0),
            chunking={"splitter": "recursive", "size": 8000},
            grouping={"min_quality": 0},
        )
        begun = time.monotonic()
        rss, killed = _watch(service, dataset, options)
        job_s = time.monotonic() - begun
        cpu = {name: round(spent - before.get(name, 0.0), 2) for name, spent in _cpu(service).items()}
        found = service.get(dataset)
    stats = [httpx.get(base + "/sim/stats", trust_env=False, timeout=600).json() for base in bases]
    return _figures(options, found, stats, cpu, rss, killed) | {"job_s": round(job_s, 1)}


def _parsed(service: Service, corpus: str) -> int:
    return int(service.ok(service.http.get(f"/v1/corpora/{corpus}"))["documents"]["parsed"])


def _watch(service: Service, dataset: str, options: argparse.Namespace) -> tuple[float, dict[str, int] | None]:
    """Peak RSS of an LLM worker process in MiB, and what was in flight when the workers were killed."""
    peak, killed, flushed = 0.0, None, False
    total = 16 * options.n
    while True:
        found = service.get(dataset)
        if found["status"] in ("succeeded", "failed", "cancelled"):
            return peak, killed
        for name in service.llm_names:
            if name in service.processes:
                peak = max(peak, psutil.Process(service.processes[name].pid).memory_info().rss / 2**20)
        if options.flush_at and not flushed and found["usage"]["calls"] >= options.flush_at * total:
            flushed = True
            _empty(service)
        if options.kill_at and killed is None and found["usage"]["calls"] >= options.kill_at * total:
            service.kill(*service.llm_names)
            killed = {"calls_done": service.get(dataset)["usage"]["calls"]}
            time.sleep(1)
            service.start(*service.llm_names)
        time.sleep(0.2)


def _empty(service: Service) -> None:
    """FLUSHALL, as after the loss of a broker that kept nothing; its clients have to connect again."""
    with Redis.from_url(service.settings().redis_url) as broker:
        broker.flushall()
        broker.execute_command("CLIENT", "KILL", "TYPE", "normal")


def _cpu(service: Service) -> dict[str, float]:
    """CPU seconds of each worker process: its children's too, ended parsers before and after alike."""
    names = [name for name in ("cpu", "beat", *service.llm_names) if name in service.processes]
    return {name: cpu_seconds(service.processes[name].pid) for name in names}


def _figures(
    options: argparse.Namespace,
    dataset: dict[str, Any],
    stats: list[dict[str, Any]],
    cpu: dict[str, float],
    rss: float,
    killed: dict[str, int] | None,
) -> dict[str, Any]:
    calls = sum(found["ok"] for found in stats)
    wall = max(found["wall_s"] for found in stats)
    rows = dataset["accepted"] + sum(dataset["dropped"].values())
    return {
        "benchmark": "docs_to_qa",
        "n": options.n,
        "slots": options.slots,
        "servers": options.servers,
        "database": "postgresql" if options.database else "sqlite",
        "calls": calls,
        "expected_calls": 16 * options.n,
        "rows": rows,
        "lost_rows": 6 * options.n - rows,
        "accepted": dataset["accepted"],
        "dropped": dataset["dropped"],
        "wall_s": wall,
        "ideal_s": max(found["ideal_seconds"] for found in stats),
        "efficiency": round(max(found["ideal_seconds"] for found in stats) / wall, 4),
        "utilisation": round(sum(found["utilisation"] for found in stats) / len(stats), 4),
        "prefix_hit_rate": stats[0]["prefix_hit_rate"],
        "ideal_prefix_hit_rate": stats[0]["ideal_hit"],
        "calls_per_s": round(calls / wall, 1),
        "worker_cpu_ms_per_call": round(1000 * sum(cpu.values()) / max(1, calls), 3),
        "worker_cpu_s": cpu,
        "llm_worker_peak_rss_mib": round(rss),
        "repeated_calls": sum(found["repeated_ok"] for found in stats),
        "aborted_calls": sum(found["aborted"] for found in stats),
        "killed": killed,
        "stalls": sum(found["stalls"] for found in stats),
        "peers": {"data_designer": 0.79, "curator": 0.69, "distilabel": 0.68, "sdg_hub": 0.66, "best_possible": 0.958},
    }


if __name__ == "__main__":
    main()
