"""Replace general words by concrete ones."""

from app.catalog.kinds import Evolution

CONCRETISE = Evolution(
    summary="Replace general words by concrete ones.",
    direction="depth",
    prompt="evolve/concretise@1",
    instruction_prompt="evolve/instruction_concretise@1",
)
