"""Loads trained adapters into the model servers that have their base model, once they have passed the parity gate."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import structlog
from sqlalchemy import and_, or_, select

from app.db import reading, transaction
from app.models import Serving, Training
from app.serving import service, upstream
from app.serving.limits import NotServable, check
from app.serving.upstream import Upstream
from app.settings import settings
from app.stack import guard
from workers import environment, lease, shutdown, stage, training_files
from workers.exam import parity

log = structlog.get_logger()

LEAST_SAME = 0.95  # of the prompts must have the same first tokens
TOKENS = 32
LOAD_SECONDS = 120.0
CHILD_SECONDS = 1800.0


def run() -> None:
    """One after another, until none waits or this worker is to end."""
    while not shutdown.requested.is_set():
        owner = lease.new_owner()
        with transaction() as session:
            serving = session.scalar(waiting().limit(1).with_for_update(skip_locked=True))
            if serving is None or lease.take(session, Serving, serving.id, owner) is None:
                return
        with lease.heartbeat(Serving, serving.id, owner):
            _take_off(serving) if serving.status == "unloaded" else _put_on(serving)


def waiting() -> Any:
    """Those to be checked and loaded, and those still on a server that are to be taken off."""
    what = or_(Serving.status == "checking", and_(Serving.status == "unloaded", Serving.loaded))
    return select(Serving).where(what, lease.is_free(Serving)).order_by(Serving.created_at)


def _put_on(serving: Serving) -> None:
    loaded: list[Upstream] = []
    try:
        with reading() as session:
            training = session.get_one(Training, serving.training_id)
            base, _ = stage.base(session, training)
        folder = stage.fetch_adapter(training, settings().data_dir / "served" / training.id)
        check(folder, settings().serve_max_rank)
        servers = _servers(training)
        for server in servers:
            _load(server, serving.model, folder)
            loaded.append(server)
        found = _parity(training, base, folder, loaded, serving.model)
        if found["same"] < LEAST_SAME or found["merged"] < LEAST_SAME or not found["template"]:
            raise _Unequal(found)
    except (NotServable, training_files.Unreadable) as why:
        for server in loaded:
            _unload(server, serving.model)
        error = {"code": why.code, "message": str(why)}
        _end(serving.id, "refused", error=error, parity=getattr(why, "found", None))
    else:
        _end(serving.id, "served", servers=[server.url for server in loaded], parity=found)


class _Unequal(NotServable):
    """What the server says is not what was trained."""

    def __init__(self, found: dict[str, Any]) -> None:
        shares = f"{100 * found['same']:.0f} % on the server and {100 * found['merged']:.0f} % when merged"
        what = (
            f"of {found['prompts']} prompts {shares} have the first {found['tokens']} tokens of the trained weights "
            f"(within {found['tolerance']} nats); {100 * LEAST_SAME:.0f} % are needed"
        )
        if not found["template"]:
            what = "the server renders chats otherwise than training did"
        super().__init__("parity_failed", what)
        self.found = found


def _take_off(serving: Serving) -> None:
    with reading() as session:
        training = session.get_one(Training, serving.training_id)
    for server in upstream.servers(upstream.root(training.model)):
        if server.url in serving.servers:
            _unload(server, serving.model)
    _end(serving.id, "unloaded")


def _end(
    serving_id: str, status: str, *, servers: list[str] | None = None, error: Any = None, parity: Any = None
) -> None:
    with transaction() as session:
        serving = session.get_one(Serving, serving_id)
        serving.servers, serving.loaded = servers or [], bool(servers)
        if serving.status == "unloaded" and status != "unloaded":  # meanwhile nobody wants it any more
            serving.owner = None
            return
        service.end(serving, status, error=error, parity=parity if parity else serving.parity)


def _servers(training: Training) -> list[Upstream]:
    """Raises NotServable when no server has the base model."""
    name = upstream.root(training.model)
    found = upstream.servers(name)
    if not found:
        message = f"no model server serves its base model {name!r} (CORPUSMITH_GENERATOR_MODEL, _JUDGE_, _TRAINEE_)"
        raise NotServable("base_not_served", message)
    return found


def _load(server: Upstream, name: str, folder: Path) -> None:
    """Raises NotServable with what the server said."""
    reply = _post(server, "load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})
    if reply.status_code == 404:
        needed = "--enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
        message = f"the model server loads no adapters: start vLLM with {needed}"
        raise NotServable("server_loads_none", message)
    if reply.is_error and "already been loaded" not in reply.text and "already loaded" not in reply.text:
        raise NotServable("server_refused", f"the model server refused the adapter: {reply.text[:300]}")


def _unload(server: Upstream, name: str) -> None:
    """A server that does not have it, or is away, has nothing to take off: it forgets adapters when it ends."""
    try:
        reply = _post(server, "unload_lora_adapter", {"lora_name": name})
        log.info("serve.unloaded", model=name, status=reply.status_code)
    except NotServable as error:
        log.warning("serve.not_unloaded", model=name, reason=error.code)


def _post(server: Upstream, path: str, body: dict[str, Any]) -> httpx.Response:
    try:
        return httpx.post(
            f"{server.url}/{path}", json=body, headers=server.headers, timeout=LOAD_SECONDS, trust_env=False
        )
    except httpx.HTTPError as error:
        message = f"the model server does not answer ({type(error).__name__})"
        raise NotServable("server_away", message) from None


def _parity(training: Training, base: str, adapter: Path, loaded: list[Upstream], name: str) -> dict[str, Any]:
    """Compare the servers with the trained weights on twenty prompts. Raises NotServable."""
    prompts, served = zip(*(_answers(server, name) for server in loaded), strict=True)
    folder = training_files.root() / training.id / "parity"
    spec = parity.ParitySpec(base_model=base, adapter=str(adapter), tokens=TOKENS, served=served)
    parity.prepare(folder, spec)
    with (
        (folder / "child.log").open("ab") as log_file,
        subprocess.Popen(
            guard.command(1.0, parity.command(folder)),
            env=environment.without_secrets(),
            stdin=subprocess.PIPE,
            stdout=log_file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            process.wait(CHILD_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
    said = parity.said(folder)
    if said is None:
        raise NotServable("parity_failed", "the trained weights could not be run to compare the server with them")
    return parity.compared(spec, said, prompts)


def _answers(server: Upstream, name: str) -> tuple[list[list[int]], tuple[tuple[int, ...], ...]]:
    """The tokens of each prompt as the server renders it, and those of its greedy answer. Raises NotServable."""
    prompts, served = [], []
    for prompt in parity.PROMPTS:
        body = {
            "model": name, "messages": [{"role": "user", "content": prompt}], "max_tokens": TOKENS, "temperature": 0,
            "return_token_ids": True,
        }  # fmt: skip
        reply = _post(server, "chat/completions", body)
        if reply.is_error:
            raise NotServable("server_refused", f"the loaded model does not answer: {reply.text[:300]}")
        found = reply.json()
        tokens = found["choices"][0].get("token_ids")
        if not tokens or not found.get("prompt_token_ids"):
            raise NotServable("server_refused", "the model server tells no token ids: vLLM does since 0.10.2")
        prompts.append(found["prompt_token_ids"])
        served.append(tuple(tokens))
    return prompts, tuple(served)
