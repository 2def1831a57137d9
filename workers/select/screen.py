"""Secrets and personal data in one text: found, and masked where the dataset's policy says so."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from workers.select import pii, secrets
from workers.select.findings import Found, redact

DETECTORS = {"secret": secrets.find, "pii": pii.find}
MAY_HOLD = {"secret": secrets.may_hold, "pii": pii.may_hold}
MASKING = ("redact", "drop")


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of a field; of masked text the stretch is the placeholder, so it never holds what was found."""

    detector: str
    type: str
    field: str
    start: int
    end: int
    action: str

    def stored(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Policies:
    """What to do with what each detector finds: off, report, redact or drop."""

    secret: str
    pii: str

    def which(self, actions: Iterable[str]) -> list[str]:
        return [name for name in DETECTORS if getattr(self, name) in tuple(actions)]


def clean(texts: Iterable[str], policies: Policies) -> bool:
    """Whether one cheap look at all of them shows that `screen` would find nothing in any."""
    together = "\n\n\n\n".join(texts)  # nothing that is looked for reaches over so many line ends
    return not any(MAY_HOLD[name](together) for name in policies.which((*MASKING, "report")))


def screen(text: str, field: str, policies: Policies) -> tuple[str, list[Finding]]:
    """The text, masked as the policies say, and what was found; offsets are those of the text that is given back.

    Where a secret and personal data overlap the secret counts: a password in a URL looks like an e-mail address.
    A row that will be dropped is masked as well, for it is kept with its reason and can be read.
    """
    found: list[tuple[str, Found]] = []
    for name in policies.which(MASKING):
        found += [(name, one) for one in DETECTORS[name](text) if _free(one, found)]
    found.sort(key=lambda pair: pair[1].start)
    masked, places = redact(text, [one for _, one in found])
    findings = [
        Finding(name, one.type, field, one.start, one.end, getattr(policies, name))
        for (name, _), one in zip(found, places, strict=True)
    ]
    seen: list[tuple[str, Found]] = [("", place) for place in places]
    for name in policies.which(("report",)):
        fresh = [one for one in DETECTORS[name](masked) if _free(one, seen)]
        findings += [Finding(name, one.type, field, one.start, one.end, "report") for one in fresh]
        seen += [(name, one) for one in fresh]
    return masked, sorted(findings, key=lambda finding: (finding.start, finding.detector))


def _free(one: Found, taken: list[tuple[str, Found]]) -> bool:
    return all(one.end <= other.start or one.start >= other.end for _, other in taken)


def mask(value: Any, policies: Policies) -> Any:
    """The same value with every string in it masked; keys stay as they are."""
    if isinstance(value, str):
        return screen(value, "", policies)[0]
    if isinstance(value, dict):
        return {key: mask(one, policies) for key, one in value.items()}
    if isinstance(value, list):
        return [mask(one, policies) for one in value]
    return value


def strings(value: Any, path: str) -> Iterable[tuple[str, str]]:
    """(path, string) of every string in a JSON value."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from strings(one, f"{path}.{key}")
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from strings(one, f"{path}.{i}")
