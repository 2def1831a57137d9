"""The only reader of the environment. Every setting is `CORPUSMITH_<NAME>`; unknown ones are refused."""

import os
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.stack.sockets import socket_path


def _xdg(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "corpusmith"


# Read by the command line and by the tests, not by the service.
NOT_OURS = {"CORPUSMITH_URL", "CORPUSMITH_API_KEY", "CORPUSMITH_TEST_POSTGRES", "CORPUSMITH_FAULT_SEEDS"}


class Settings(BaseSettings):
    """Where things are and how much they may use. Empty URLs mean the embedded part below `data_dir`."""

    model_config = SettingsConfigDict(env_prefix="CORPUSMITH_", extra="forbid")

    data_dir: Path = Field(default_factory=lambda: _xdg("XDG_DATA_HOME", ".local/share"))
    cache_dir: Path = Field(default_factory=lambda: _xdg("XDG_CACHE_HOME", ".cache"))
    database_url: str = ""
    broker_url: str = ""
    storage_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8321
    log_level: str = "INFO"
    log_json: bool = True

    generator_url: str = Field(default="", description="OpenAI-compatible base URL(s) ending in /v1, comma-separated")
    generator_model: str = ""
    generator_api_key: SecretStr = SecretStr("")
    generator_tokenizer: str = Field(default="", description="folder with tokenizer.json, for chunking by tokens")
    tokenizers: dict[str, str] = Field(
        default_factory=dict,
        description="JSON map of base models, name to folder, tokenizer.json or hub id: whose tokens reports count",
    )
    judge_url: str = ""
    judge_model: str = ""
    judge_api_key: SecretStr = SecretStr("")
    trainee_url: str = Field(default="", description="vLLM that serves the model to be trained; empty: the generator's")
    trainee_model: str = Field(default="", description="its name there; empty: the generator's")
    trainee_api_key: SecretStr = SecretStr("")
    base_models: dict[str, str] = Field(
        default_factory=dict, description="JSON map of models that can be trained, name to folder with config.json"
    )
    train_devices: str = Field(
        default="auto", description="of a gpu worker's machine: auto (every GPU, else the CPU), or cpu, cuda:0, ..."
    )
    embedder_model: str = Field(
        default="", description="sentence-transformers folder or hub id; empty: packaged MiniLM"
    )
    nli_model: str = Field(
        default="", description="cross-encoder folder or hub id with entailment labels, for gate nli"
    )
    reward_model: str = Field(default="", description="cross-encoder folder or hub id with one label, for gate reward")

    serve_max_rank: int = Field(default=64, description="highest rank of an adapter that the model servers load")
    local_model_lora: bool = Field(default=False, description="local model server: load trained adapters at run time")
    local_model_eager: bool = Field(default=False, description="local model server: start in half the time, run slower")

    max_upload_bytes: int = 512 * 1024**2
    max_part_bytes: int = Field(default=64 * 1024**2, description="of one part of an upload")
    max_assembled_bytes: int = Field(default=8 * 1024**3, description="of a file that comes in parts")
    upload_expire_seconds: float = Field(default=24 * 3600.0, description="how long an upload in parts stays open")
    max_json_bytes: int = 1024**2
    archive_max_bytes: int = 2 * 1024**3
    archive_max_entries: int = 10_000
    archive_max_ratio: int = 100
    parse_cpu_seconds: int = 30
    parse_wall_seconds: int = 60
    parse_memory_bytes: int = 1024**3

    lease_seconds: float = 60.0
    sweep_seconds: float = 15.0
    unit_max_attempts: int = 5
    document_max_attempts: int = 3
    call_idle_timeout_seconds: float = 600.0
    call_connect_timeout_seconds: float = 5.0
    window_start: int = 32
    window_max: int = 4096
    model_probe_seconds: float = Field(default=2.0, description="how often a model server that is down is asked again")
    commit_linger_seconds: float = Field(
        default=0.05, description="how long the ledger waits for replies to commit together"
    )
    worker_deaf_seconds: float = Field(
        default=45.0, description="a worker that is idle and hears nothing for so long while messages wait ends itself"
    )
    drain_idle_seconds: float = Field(
        default=2.0, description="how long an LLM worker looks for more work before it returns"
    )

    @model_validator(mode="after")
    def _no_misspelt_names(self) -> Self:
        known = {f"CORPUSMITH_{name.upper()}" for name in type(self).model_fields} | NOT_OURS
        unknown = sorted(name for name in os.environ if name.startswith("CORPUSMITH_") and name not in known)
        if unknown:
            raise ValueError(f"unknown settings in the environment: {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _embedded_defaults(self) -> Self:
        """An empty URL names the embedded part of the same data directory."""
        self.data_dir = self.data_dir.expanduser().absolute()
        self.cache_dir = self.cache_dir.expanduser().absolute()
        self.database_url = self.database_url or f"sqlite:///{self.data_dir / 'corpusmith.db'}"
        if self.database_url.startswith(("postgresql://", "postgres://")):
            self.database_url = "postgresql+psycopg://" + self.database_url.split("://", 1)[1]
        self.broker_url = self.broker_url or f"redis+socket://{socket_path(self.data_dir)}"
        self.storage_url = self.storage_url or (self.data_dir / "blobs").as_uri()
        return self

    @property
    def redis_url(self) -> str:
        """The broker's URL as redis-py writes it: Celery has a scheme of its own for sockets."""
        return self.broker_url.replace("redis+socket://", "unix://")


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
