"""Put the question into a concrete situation."""

from app.catalog.kinds import Evolution

COMPLICATE_INPUT = Evolution(
    summary="Put the question into a concrete situation.",
    direction="depth",
    prompt="evolve/complicate_input@1",
    instruction_prompt="evolve/instruction_complicate_input@1",
)
