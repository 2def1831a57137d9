"""Who answers a prompt how often: roles and models in turn, each at one temperature after the other."""

from dataclasses import dataclass
from typing import Any

from app.catalog.tasks.preferences import PreferencesOptions
from workers.recipes.work import Work


@dataclass(frozen=True, slots=True)
class Voice:
    """One way to ask for an answer. `sample` tells apart what is asked twice in the same words."""

    role: str
    model: str | None
    temperature: float
    sample: int

    def sampling(self) -> dict[str, Any]:
        """As `Model.ask` takes it."""
        return {"role": self.role, "model": self.model, "temperature": self.temperature, "sample": self.sample}

    def name(self, work: Work) -> str:
        """The model's name."""
        return self.model or work.models.get(self.role) or work.models["generator"]


def voices(options: PreferencesOptions) -> list[Voice]:
    """As many as answers are wanted: every model at the first temperature, then at the second, and so on around."""
    speakers: list[tuple[str, str | None]] = [(role, None) for role in dict.fromkeys(options.roles)]
    speakers += [("generator", model) for model in dict.fromkeys(options.models)]
    warmth = list(dict.fromkeys(options.temperatures))
    found = []
    for i in range(options.answers):
        lap, speaker = divmod(i, len(speakers))
        sample, place = divmod(lap, len(warmth))
        found.append(Voice(*speakers[speaker], warmth[place], sample))
    return found
