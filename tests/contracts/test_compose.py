"""Policies of the production stack's compose file and images, checked on the files (no Docker engine is needed)."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import NOT_OURS, Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("api", "worker-cpu", "worker-llm", "worker-gpu", "beat", "migrate")


def test_every_part_of_the_stack_is_there() -> None:
    assert {"postgres", "redis", "vllm", *OURS} <= set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_has_rights_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert "docker.sock" not in str(service)
    assert service["pids_limit"] <= 2048


@pytest.mark.parametrize("name", [*OURS, "postgres", "redis"])
def test_no_container_of_the_stack_runs_as_root(name: str) -> None:
    assert SERVICES[name]["user"] not in ("root", "0", "0:0")


def test_only_the_api_publishes_a_port_and_by_default_on_loopback_only() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["api"]
    assert SERVICES["api"]["ports"] == ["${API_BIND:-127.0.0.1}:8321:8321"]


def test_database_and_broker_have_no_way_out() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis", "worker-cpu", "worker-llm", "worker-gpu", "beat"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "VLLM_API_KEY"):
        uses = re.findall(rf"\$\{{{name}[^}}]*\}}", text)
        assert uses
        assert all(use.startswith(f"${{{name}:?") for use in uses), uses
    example = (ROOT / ".env.example").read_text()
    assert all(line.endswith("=") for line in example.splitlines() if line and not line.startswith("#"))


def test_the_broker_refuses_strangers_and_never_evicts() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--requirepass" in command
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command


def test_every_setting_that_is_given_exists() -> None:
    known = {f"CORPUSMITH_{name.upper()}" for name in Settings.model_fields} | NOT_OURS
    for name in OURS:
        given = {key for key in SERVICES[name]["environment"] if key.startswith("CORPUSMITH_")}
        assert given <= known


def test_versions_are_pinned() -> None:
    for name, service in SERVICES.items():
        if not service["image"].startswith("corpusmith-"):
            assert re.search(r":v?\d+\.?\d*", service["image"]), name
    assert "latest" not in (ROOT / "Dockerfile").read_text()


def test_the_api_image_has_no_torch_and_no_image_runs_as_root() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.M)[1:]
    named = {re.search(r" AS (\w+)", stage).group(1): stage for stage in stages}  # type: ignore[union-attr]
    assert "torch" not in named["api"]
    assert "embed" not in named["api"]
    for target in ("api", "worker", "trainer"):
        assert re.search(r"^USER corpusmith$", named[target], flags=re.M)
