"""The local model server: vLLM on CPU, how it is started and when it is ready."""

import os
import re
import time
from collections.abc import Mapping, Set
from pathlib import Path

import httpx
import psutil

from app.stack import loopback
from app.stack.models import LocalModel

MAX_MODEL_LEN = 4096
GIB = 1024**3
BIG_MODEL_BYTES = GIB
STALL_SECONDS = 300.0
_TIMES = {"bfloat16": 1, "float32": 2}  # what weights take in memory, of what they take on disk
_SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}


def argv(
    python: Path, model: LocalModel, port: int, *, eager: bool = False, lora_rank: int | None = None
) -> tuple[str, ...]:
    """The command. `eager` starts in about half the time and generates slower: for tests.

    `lora_rank`: adapters up to this rank can be loaded while it runs.
    """
    options = {
        "--model": model.path,
        "--served-model-name": model.name,
        "--dtype": _precision_of(model),
        "--max-model-len": min(MAX_MODEL_LEN, model.context_length or MAX_MODEL_LEN),
        # More calls at once than this only make each of them slower on a CPU.
        "--max-num-seqs": 16 if _weights(model) > BIG_MODEL_BYTES or model.is_hub_id else 64,
        "--host": "127.0.0.1",
        "--port": port,
    }
    flags = ("--enable-prefix-caching", *(("--enforce-eager",) if eager else ()))
    if lora_rank is not None:
        flags += ("--enable-lora", "--max-lora-rank", str(lora_rank), "--max-loras", "4")
    words = tuple(str(word) for pair in options.items() for word in pair)
    return (str(python), "-m", "vllm.entrypoints.openai.api_server", *words, *flags)


def environment(base: Mapping[str, str], model: LocalModel) -> dict[str, str]:
    """Its environment: `base` without what slows or changes it, all cores, and room for the KV cache."""
    dropped = ("OPENBLAS_", "CORPUSMITH_", "OMP_", "MKL_")
    env = {name: value for name, value in base.items() if not name.startswith(dropped)}
    env |= {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",  # of no effect without --enable-lora
        "VLLM_CPU_KVCACHE_SPACE": str(kv_space_gib(_free_bytes(), _weights(model) * _TIMES[_precision_of(model)])),
        "VLLM_CPU_OMP_THREADS_BIND": ",".join(str(core) for core in sorted(_cores())),
    }
    if not model.is_hub_id:
        env |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return env


def kv_space_gib(free: int, weights: int) -> int:
    """Half of what is left after the weights (twice, while they load) and the processes; 1 to 4 GiB."""
    spare = free - 2 * weights - 3 * GIB
    return max(1, min(4, spare // 2 // GIB))


def precision(free: int, weights: int, flags: Set[str]) -> str:
    """`bfloat16`, as the weights lie on disk; `float32` where that is faster and there is room for it, in bytes.

    An x86 processor without AVX-512 computes in bfloat16 several times slower: with 1.5 billion weights and 2 cores it
    read a prompt of 800 tokens in 117 s, in float32 in 21 s.
    """
    slow = "avx2" in flags and "avx512f" not in flags
    return "float32" if slow and free > 3 * weights + 4 * GIB else "bfloat16"


class Health:
    """Says yes after a first real reply, and then while the server moves. One per server, across restarts."""

    def __init__(self, url: str, model: str) -> None:
        self._url, self._model = url.rstrip("/"), model
        self._warm = False
        self._progress = ""
        self._moved_at = 0.0

    def __call__(self) -> bool:
        try:
            if loopback.client().get(f"{self._url}/health", timeout=10.0).status_code != 200:
                return False
            if not self._warm:
                if not self._has_answered():
                    self._warm_up()
                self._warm, self._moved_at = True, time.monotonic()
            return self._moves()
        except httpx.ConnectError:
            self._warm = False  # it is (re)starting
            return False
        except httpx.HTTPError:
            return False

    def _warm_up(self) -> None:
        """The first structured reply compiles the grammar backend: let nobody else wait for that."""
        answer = loopback.client().post(
            f"{self._url}/v1/chat/completions",
            json={
                "model": self._model,
                "messages": [{"role": "user", "content": 'Reply {"ok": true}'}],
                "max_tokens": 16,
                "temperature": 0,
                "response_format": {"type": "json_schema", "json_schema": {"name": "warm_up", "schema": _SCHEMA}},
            },
            timeout=120.0,
        )
        answer.raise_for_status()

    def _has_answered(self) -> bool:
        """Work that waited for the server goes before the warm-up, which then gets no turn and is not needed."""
        answered = r'^vllm:request_success_total\{[^}]*finished_reason="(?:stop|length)"[^}]*\} (\S+)$'
        return any(float(count) for count in re.findall(answered, self._metrics(), re.M))

    def _metrics(self) -> str:
        return loopback.client().get(f"{self._url}/metrics", timeout=10.0).text

    def _moves(self) -> bool:
        """False when calls are running and no step was made for long: the engine hangs, though HTTP answers."""
        metrics = self._metrics()
        progress = "".join(
            re.findall(r"^vllm:(?:iteration_tokens_total_count|generation_tokens_total).*$", metrics, re.M)
        )
        running = sum(float(value) for value in re.findall(r"^vllm:num_requests_running\S* (\S+)$", metrics, re.M))
        if progress != self._progress or not running:
            self._progress, self._moved_at = progress, time.monotonic()
        return time.monotonic() - self._moved_at < STALL_SECONDS


def _precision_of(model: LocalModel) -> str:
    """Of a model from a hub nobody knows the size yet."""
    return "bfloat16" if model.is_hub_id else precision(_free_bytes(), _weights(model), _flags())


def _flags() -> Set[str]:
    """What the processor can do, by Linux's names; empty where it does not tell."""
    told = Path("/proc/cpuinfo")
    found = re.search(r"^flags\s*:(.*)$", told.read_text(), re.M) if told.exists() else None
    return set(found.group(1).split()) if found else set()


def _weights(model: LocalModel) -> int:
    return 0 if model.is_hub_id else sum(file.stat().st_size for file in Path(model.path).glob("*.safetensors"))


def _free_bytes() -> int:
    """Free memory, or what the container's limit leaves of it."""
    free = int(psutil.virtual_memory().available)
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and limit.read_text().strip().isdigit():
        free = min(free, int(limit.read_text()) - int(used.read_text()))
    return free


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
