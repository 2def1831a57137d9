"""A request for a job, understood: the method and variant meant, every option, and whether the rows can be read so."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import catalog
from app.catalog.methods.online_dpo import OnlineDpoOptions
from app.catalog.training import Choice, Rows
from app.datasets import service as datasets
from app.errors import InvalidRequest, NotFound, NotReady
from app.files import service as files
from app.llm.pool import targets
from app.models import Dataset, Training
from app.models.datasets import FINAL as ENDED
from app.settings import settings
from app.trainings.choice import choose
from app.trainings.schemas import JobCreate, MethodGiven

DATASET = "dst_"

# In which format rows of a dataset are written for what a method reads; the first that fits.
_WRITTEN: tuple[tuple[Rows, str, frozenset[str]], ...] = (
    ("labelled", "kto", frozenset({"preference", "trajectories"})),
    ("pairs", "dpo", frozenset({"preference", "trajectories"})),
    ("chat", "messages", frozenset({"chat", "tools", "preference", "trajectories"})),
    ("text", "text", frozenset({"text"})),
)


@dataclass(frozen=True, slots=True)
class Understood:
    """`given`: hyperparameters that were asked for, from wherever they stood; "auto" is left out."""

    method: str
    choice: Choice
    given: dict[str, Any]
    method_options: dict[str, Any]


def understand(wanted: JobCreate) -> Understood:
    """Raises InvalidRequest, UnknownCatalogEntry or RefusedCombination, each with the field at fault."""
    ours, method = wanted.corpusmith, _method(wanted)
    given: dict[str, Any] = {}
    for source in (wanted.hyperparameters, _theirs(wanted.method)):
        given |= {name: value for name, value in (source.model_dump() if source else {}).items() if value != "auto"}
    options = ({"beta": given.pop("beta")} if "beta" in given else {}) | ours.method_options
    given |= ours.hyperparameters
    try:
        choice = choose(method, ours.variant, options, ours.variant_options, given)
    except InvalidRequest as error:
        param = f"corpusmith.{error.param}"
        fields = [(f"/corpusmith{where}", what) for where, what in error.fields]
        raise type(error)(error.detail, param=param, fields=fields) from None
    return Understood(method, choice, given, options)


def _theirs(method: MethodGiven | None) -> Any:
    part = getattr(method, method.type, None) if method else None
    return part.hyperparameters if part else None


def _method(wanted: JobCreate) -> str:
    """The catalogue's name of the method. Raises InvalidRequest."""
    named: dict[str, str] = {entry.openai: name for name, entry in catalog.METHODS.entries.items() if entry.openai}
    theirs = named.get(wanted.method.type) if wanted.method else None
    if wanted.method and theirs is None:
        message = f"method.type: {wanted.method.type!r} is not offered here; offered: {', '.join(sorted(named))}"
        raise InvalidRequest(message, param="method.type", fields=[("/method/type", message)])
    ours = wanted.corpusmith.method
    if ours and theirs and catalog.METHODS.get(ours, "corpusmith.method").openai and ours != theirs:
        message = f"corpusmith.method: {ours!r} is not what method.type says, which is {theirs!r}"
        raise InvalidRequest(message, param="corpusmith.method", fields=[("/corpusmith/method", message)])
    method = ours or theirs or "sft"
    catalog.METHODS.get(method, "corpusmith.method")
    return method


def check_judge(session: Session, tenant_id: str, meant: Understood) -> None:
    """Raises InvalidRequest unless somebody can judge: the reward model that is named, or the configured judge."""
    options = meant.choice.method_options
    if not isinstance(options, OnlineDpoOptions):
        return
    where = "corpusmith.method_options.reward_model"
    if options.reward_model is not None:
        made = trained(session, tenant_id, options.reward_model)
        if made is None or made.method != "reward":
            what = "is a model that was not made by method reward" if made else "is not a model that was trained here"
            message = f"{where}: {options.reward_model!r} {what}"
            raise InvalidRequest(message, param=where, fields=[("/" + where.replace(".", "/"), message)])
    elif not any(target.model for target in targets(settings(), "judge")):
        message = f"{where}: there is no judge (CORPUSMITH_JUDGE_URL, else _GENERATOR_URL); name a reward model"
        raise InvalidRequest(message, param=where, fields=[("/" + where.replace(".", "/"), message)])


def check_exam(wanted: JobCreate, method: str) -> None:
    """Raises InvalidRequest when an exam is wanted of what has none."""
    if wanted.corpusmith.exam is None:
        return
    why = None
    if method != "sft":
        why = f"an exam asks questions, and {method} does not teach answers; it goes with sft"
    elif not wanted.training_file.startswith(DATASET) and wanted.validation_file is None:
        why = "its questions come from a dataset, or from validation_file"
    if why:
        message = f"corpusmith.exam: {why}"
        raise InvalidRequest(message, param="corpusmith.exam", fields=[("/corpusmith/exam", message)])


def check_model(session: Session, tenant_id: str, name: str) -> None:
    """Raises InvalidRequest unless it is a base model of the settings, or one that this tenant has trained."""
    if name in settings().base_models or trained(session, tenant_id, name) is not None:
        return
    known = ", ".join(sorted(settings().base_models)) or "none; the operator sets CORPUSMITH_BASE_MODELS"
    message = f"model: {name!r} cannot be trained here; base models: {known}"
    raise InvalidRequest(message, param="model", fields=[("/model", message)])


def trained(session: Session, tenant_id: str, name: str) -> Training | None:
    """The job that made the model of this name, unless the model was deleted."""
    mine = (Training.tenant_id == tenant_id, Training.fine_tuned_model == name, ~Training.model_deleted)
    return session.scalar(select(Training).where(*mine)) if name.startswith("ft:") else None


def check_file(session: Session, tenant_id: str, name: str, param: str, method: str) -> None:
    """Raises NotFound, NotReady, or InvalidRequest when the rows cannot be what the method reads."""
    if not name.startswith(DATASET):
        file = files.get(session, tenant_id, name, param=param)
        if file.purpose != "fine-tune":
            message = f"{param}: {name} was uploaded with purpose {file.purpose!r}; training needs 'fine-tune'"
            raise InvalidRequest(message, param=param, fields=[(f"/{param}", message)])
        return
    try:
        dataset = datasets.get(session, tenant_id, name)
    except NotFound as error:
        raise NotFound(error.detail, param=param) from None
    if dataset.status not in ENDED:
        raise NotReady(f"dataset {name} is {dataset.status}; training needs one that has ended", param=param)
    if not dataset.accepted:
        message = f"{param}: dataset {name} has no accepted row"
        raise InvalidRequest(message, param=param, fields=[(f"/{param}", message)])
    if format_for(method, dataset) is None:
        message = f"{param}: {method} cannot learn from the rows of {dataset.task}"
        raise InvalidRequest(message, param=param, fields=[(f"/{param}", message)])


def format_for(method: str, dataset: Dataset) -> str | None:
    """The export format in which this method reads the dataset's rows; None: it cannot."""
    reads, shape = catalog.METHODS[method].rows, catalog.TASKS[dataset.task].shape_of(dataset.spec["options"])
    return next((name for rows, name, shapes in _WRITTEN if rows in reads and shape in shapes), None)
