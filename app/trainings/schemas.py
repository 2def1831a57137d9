"""Requests and replies about fine-tuning jobs: OpenAI's fields, and ours below `corpusmith`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.trainings.run import Device

Auto = Literal["auto"]
Status = Literal["validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"]

Label = Annotated[str, StringConstraints(max_length=64)]
LabelText = Annotated[str, StringConstraints(max_length=512)]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class _Theirs(BaseModel):
    """A request of OpenAI's clients: fields that we do not know are left out."""

    model_config = ConfigDict(extra="ignore")


def _most(limit: float) -> AfterValidator:
    """Above 0 and at most this, unless it is "auto" (a bound of the field itself would be compared with that, too)."""

    def check(value: str | float) -> str | float:
        if not isinstance(value, str) and not 0 < value <= limit:
            raise ValueError(f"must be above 0 and at most {limit:g}")
        return value

    return AfterValidator(check)


class HyperparametersGiven(_Theirs):
    n_epochs: Annotated[Auto | int, _most(100)] = "auto"
    batch_size: Annotated[Auto | int, _most(4096)] = "auto"
    learning_rate_multiplier: Annotated[Auto | float, _most(1000)] = "auto"


class DpoHyperparametersGiven(HyperparametersGiven):
    beta: Annotated[Auto | float, _most(10)] = "auto"


class SupervisedGiven(_Theirs):
    hyperparameters: HyperparametersGiven | None = None


class DpoGiven(_Theirs):
    hyperparameters: DpoHyperparametersGiven | None = None


class MethodGiven(_Theirs):
    type: Literal["supervised", "dpo", "reinforcement"]
    supervised: SupervisedGiven | None = None
    dpo: DpoGiven | None = None


class ExamGiven(BaseModel):
    """What the exam of a job asks. Its questions are chosen, and kept out of training, before training begins."""

    model_config = ConfigDict(extra="forbid")
    questions: int = Field(default=100, ge=0, le=1000, description="of each group (reworded, unseen) at most so many")
    share: float = Field(
        default=0.1, ge=0, le=0.5, description="of the training rows at most this share is asked and not trained on"
    )
    general: int = Field(default=48, ge=0, le=48, description="questions of common knowledge, to see what is forgotten")
    judge: bool = Field(
        default=False, description="the judge grades as well, one call an answer; gains go by its grades"
    )
    control: bool = Field(
        default=False,
        description="an adapter is also trained on the same rows with answers exchanged: it learns the style and no "
        "fact. Takes as long again",
    )
    max_new_tokens: int = Field(default=64, ge=1, le=1024, description="of an answer")


class Ours(BaseModel):
    """What OpenAI's API has no word for. Unknown names are refused: a typing error here costs hours."""

    model_config = ConfigDict(extra="forbid")
    method: str | None = Field(default=None, max_length=60, description="see `GET /v1/catalog`; default: of `method`")
    method_options: dict[str, Any] = {}
    variant: str = Field(default="lora", max_length=60, description="which weights change, see `GET /v1/catalog`")
    variant_options: dict[str, Any] = {}
    hyperparameters: dict[str, Any] = Field(default={}, description="all there are; they win over those elsewhere")
    device: Device = "auto"
    exam: ExamGiven | None = Field(default=None, description="measure base and tuned model on it (method sft)")
    start: bool = Field(default=True, description="false: the job waits, checked, for POST .../start")
    dry_run: bool = Field(default=False, description="true: the job ends when it is checked and estimated")


class JobCreate(_Theirs):
    """A fine-tuning job, as OpenAI's clients ask for it."""

    model: str = Field(min_length=1, max_length=300, description="a base model, or a model that was trained here")
    training_file: FileName = Field(description="a file with purpose fine-tune, or a dataset (`dst_...`)")
    validation_file: FileName | None = Field(default=None, description="the same; of a dataset its validation rows")
    method: MethodGiven | None = None
    hyperparameters: HyperparametersGiven | None = Field(default=None, description="deprecated: see `method`")
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    suffix: str | None = Field(default=None, min_length=1, max_length=64)
    metadata: dict[Label, LabelText] | None = Field(default=None, max_length=16)
    integrations: list[dict[str, Any]] | None = Field(default=None, max_length=5)
    corpusmith: Ours = Ours()


class JobError(BaseModel):
    code: str
    message: str
    param: str | None = None
    line: int | None = None


class HyperparametersRead(BaseModel):
    """As they were resolved; nothing is "auto" any more."""

    n_epochs: int | float
    batch_size: int
    learning_rate_multiplier: float


class OursRead(BaseModel):
    """What OpenAI's job has no field for."""

    method: str
    method_options: dict[str, Any]
    variant: str
    variant_options: dict[str, Any]
    hyperparameters: dict[str, Any]
    device: str
    exam: dict[str, Any] | None
    start: bool
    dry_run: bool
    train_file_id: str | None = Field(description="the file that is read, also where a dataset was given")
    validation_file_id: str | None
    estimate: dict[str, Any] | None
    step: int
    steps: int | None
    running_on: str | None
    metrics: dict[str, Any]
    judge_calls: int | None = Field(description="of online_dpo: calls that its judge was asked so far")
    packages: dict[str, str] | None = Field(description="what it was trained with, name to version")
    adapter: dict[str, int] = Field(description="files of the adapter, name to bytes")


class JobRead(BaseModel):
    """A fine-tuning job."""

    id: str
    object: Literal["fine_tuning.job"] = "fine_tuning.job"
    created_at: int
    model: str
    organization_id: str
    training_file: str
    validation_file: str | None
    result_files: list[str]
    hyperparameters: HyperparametersRead
    method: dict[str, Any] | None
    seed: int
    status: Status
    fine_tuned_model: str | None
    finished_at: int | None
    trained_tokens: int | None
    estimated_finish: int | None
    error: JobError | None
    metadata: dict[str, str]
    integrations: list[dict[str, Any]]
    corpusmith: OursRead


class JobEventRead(BaseModel):
    """What happened; `type` metrics: `data` has the numbers of a step."""

    id: str
    object: Literal["fine_tuning.job.event"] = "fine_tuning.job.event"
    created_at: int
    level: Literal["info", "warn", "error"]
    message: str
    type: Literal["message", "metrics"]
    data: dict[str, Any]


class CheckpointRead(BaseModel):
    """A whole checkpoint of the run."""

    id: str
    object: Literal["fine_tuning.job.checkpoint"] = "fine_tuning.job.checkpoint"
    created_at: int
    fine_tuned_model_checkpoint: str
    fine_tuning_job_id: str
    step_number: int
    metrics: dict[str, float]


class EstimateRead(BaseModel):
    """What a job would take. `estimate` is null while the files are still being checked: then ask for the job."""

    object: Literal["fine_tuning.estimate"] = "fine_tuning.estimate"
    job_id: str
    status: Status
    estimate: dict[str, Any] | None
    error: JobError | None
