"""One training run, as records: what it is asked to do, what it says while it works, and how it ends. Knows no torch.

A run lives in a folder of its own. The worker writes `spec.json` there and starts a child process on it; the child
appends `events.jsonl`, keeps `checkpoints/` and `adapter/`, and writes `outcome.json` as the last thing it does.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from app.domain import Record

Optimizer = Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit"]
Precision = Literal["auto", "fp32", "bf16"]
Device = Literal["auto", "cpu", "cuda"]
Phase = Literal["validating", "loading", "training", "saving"]


class Hyperparameters(Record):
    """How a run learns. What is None is filled in from the method and the variant (docs/training.md)."""

    n_epochs: float = Field(default=2, gt=0, le=100, description="passes over the rows")
    max_steps: int | None = Field(default=None, ge=1, description="ends after so many steps, whatever the epochs")
    batch_size: int = Field(default=16, ge=1, le=4096, description="rows an optimiser step")
    micro_batch_size: int = Field(default=1, ge=1, le=1024, description="rows at once in memory; divides batch_size")
    learning_rate: float | None = Field(default=None, gt=0, le=1, description="None: the method's and variant's own")
    learning_rate_multiplier: float = Field(default=1.0, gt=0, le=1000, description="times the learning rate")
    warmup_ratio: float = Field(default=0.03, ge=0, le=1, description="share of the steps with a rising rate")
    schedule: Literal["cosine", "linear", "constant"] = Field(default="cosine", description="of the learning rate")
    optimizer: Optimizer = Field(default="adamw", description="AdamW: torch's, 8-bit, paged")
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="decoupled (AdamW, arXiv 1711.05101)")
    max_grad_norm: float = Field(default=1.0, ge=0, description="gradients are clipped to it; 0: never")
    max_length: int = Field(default=2048, ge=8, le=1_048_576, description="tokens a row; longer rows are cut")
    packing: bool = Field(default=False, description="several rows in one sequence, each attending to itself only")
    gradient_checkpointing: bool = Field(default=False, description="less memory, about a third more time")
    precision: Precision = Field(default="auto", description="auto: bf16 on a GPU that has it, fp32 on CPU")
    checkpoint_every: int = Field(default=50, ge=1, description="steps between checkpoints")
    keep_checkpoints: int = Field(default=3, ge=1, le=100, description="the newest so many are kept")
    early_stop: int | None = Field(
        default=None, ge=1, description="ends when the held-out loss did not fall for so many checkpoints"
    )


class RunSpec(Record):
    """Everything a run needs. Paths are absolute. A folder that has whole checkpoints goes on from the newest."""

    method: str
    variant: str
    method_options: dict[str, Any] = Field(default_factory=dict)
    variant_options: dict[str, Any] = Field(default_factory=dict)
    hyperparameters: dict[str, Any] = Field(default_factory=dict)  # of Hyperparameters, those that were asked for
    base_model: str
    adapter: str | None = None  # an earlier run's adapter to go on from
    train_files: tuple[str, ...] = Field(min_length=1)  # JSON lines
    validation_files: tuple[str, ...] = ()
    reward_model: str | None = None  # for online_dpo: a folder that a run of `reward` left; None: the keeper judges
    seed: int = Field(default=0, ge=0, lt=2**31)
    device: Device = "auto"
    resume: bool = True  # False: checkpoints in the folder are removed first


class _Event(Record):
    at: float  # seconds since 1970


class PhaseEvent(_Event):
    """What the run is at now."""

    type: Literal["phase"] = "phase"
    phase: Phase


class StepEvent(_Event):
    """Metrics of one optimiser step, as the trainer logs them: loss, grad_norm, learning_rate, rewards/..."""

    type: Literal["step"] = "step"
    step: int
    steps: int
    epoch: float
    tokens: int
    metrics: dict[str, float]


class CheckpointEvent(_Event):
    """A whole checkpoint is on disk. `metrics` hold train_loss, and valid_loss where held-out rows were given."""

    type: Literal["checkpoint"] = "checkpoint"
    step: int
    folder: str
    sha256: str  # of its manifest
    metrics: dict[str, float]


class WarningEvent(_Event):
    """Something the user should know, and that did not stop the run."""

    type: Literal["warning"] = "warning"
    code: str
    message: str


class MessageEvent(_Event):
    """A line for people."""

    type: Literal["message"] = "message"
    message: str


Event = Annotated[PhaseEvent | StepEvent | CheckpointEvent | WarningEvent | MessageEvent, Field(discriminator="type")]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)

FailureCode = Literal[
    "invalid_training_file",  # line N of `param` cannot be trained on
    "invalid_base_model",  # the folder does not hold a causal language model with a tokenizer
    "refused_combination",  # method, variant and options do not go together
    "no_device",  # a GPU was asked for and there is none
    "out_of_memory",
    "non_finite_loss",
    "killed",  # the child process ended without a word
    "training_failed",  # anything else; the message says what
]


class Result(Record):
    """The run is done. `adapter` is a PEFT adapter folder, or whole weights for variants that train those."""

    type: Literal["succeeded"] = "succeeded"
    adapter: str
    files: dict[str, str]  # name in the folder -> sha256
    steps: int
    trained_tokens: int
    metrics: dict[str, float]
    packages: dict[str, str] = Field(default_factory=dict)  # name -> version it was trained with


class Stopped(Record):
    """The run was asked to pause or to cancel. A paused one goes on from `step` when it is started again."""

    type: Literal["paused", "cancelled"]
    step: int


class Failure(Record):
    """Why the run failed. `line` is 1-based in `param`, which names the file or field at fault."""

    type: Literal["failed"] = "failed"
    code: FailureCode
    message: str
    param: str | None = None
    line: int | None = None


Outcome = Annotated[Result | Stopped | Failure, Field(discriminator="type")]
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
