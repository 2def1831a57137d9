"""Ask about the same thing in more depth."""

from app.catalog.kinds import Evolution

DEEPEN = Evolution(
    summary="Ask about the same thing in more depth.",
    direction="depth",
    prompt="evolve/deepen@1",
    instruction_prompt="evolve/instruction_deepen@1",
)
