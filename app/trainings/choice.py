"""What a run is asked to do, checked and with every default filled in; what cannot work is refused with a reason."""

from typing import Any

from pydantic import ValidationError

from app import catalog
from app.catalog.training import Choice
from app.errors import InvalidRequest, RefusedCombination
from app.trainings.run import Hyperparameters


def choose(
    method: str,
    variant: str,
    method_options: dict[str, Any],
    variant_options: dict[str, Any],
    hyperparameters: dict[str, Any],
) -> Choice:
    """The choice with all defaults. `hyperparameters` are those that were given; what is missing comes from the
    variant, then the method, then Hyperparameters itself. The learning rate is method times variant times multiplier.

    Raises UnknownCatalogEntry, InvalidRequest (with JSON pointers) and RefusedCombination.
    """
    entry, chosen = catalog.METHODS.get(method, "method"), catalog.VARIANTS.get(variant, "variant")
    merged = {**entry.defaults, **chosen.defaults, **{k: v for k, v in hyperparameters.items() if v is not None}}
    settings = _valid(Hyperparameters, merged, "hyperparameters").model_dump()
    if settings["batch_size"] % settings["micro_batch_size"]:
        settings["micro_batch_size"] = _fitting(settings, given="micro_batch_size" in hyperparameters)
    rate = settings["learning_rate"] or entry.learning_rate * chosen.rate
    settings |= {"learning_rate": rate * settings["learning_rate_multiplier"], "learning_rate_multiplier": 1.0}
    choice = Choice(
        method=method,
        variant=variant,
        method_options=_valid(entry.options, method_options, "method_options"),
        variant_options=_valid(chosen.options, variant_options, "variant_options"),
        hyperparameters=Hyperparameters(**settings),
    )
    if why := chosen.refusal(choice):
        raise RefusedCombination(f"{variant} with {method}: {why}", param="variant", fields=[("/variant", why)])
    return choice


def _fitting(settings: dict[str, Any], *, given: bool) -> int:
    """The largest micro batch up to the wished one that divides the batch; one that was given must divide it."""
    if given:
        message = "micro_batch_size must divide batch_size"
        raise InvalidRequest(
            message, param="hyperparameters.micro_batch_size", fields=[_at("micro_batch_size", message)]
        )
    wished = range(min(settings["micro_batch_size"], settings["batch_size"]), 0, -1)
    return next(size for size in wished if settings["batch_size"] % size == 0)


def _at(name: str, message: str) -> tuple[str, str]:
    return f"/hyperparameters/{name}", message


def _valid(kind: type[Any], given: dict[str, Any], param: str) -> Any:
    try:
        return kind.model_validate(given)
    except ValidationError as wrong:
        found = [("/".join(["", param, *map(str, e["loc"])]), e["msg"]) for e in wrong.errors()]
        raise InvalidRequest(f"{found[0][0]}: {found[0][1]}", param=param, fields=found) from wrong
