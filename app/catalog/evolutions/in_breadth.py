"""Ask about a neighbouring, rarer point of the same subject."""

from app.catalog.kinds import Evolution

IN_BREADTH = Evolution(
    summary="Ask about a neighbouring, rarer point of the same subject.",
    direction="breadth",
    prompt="evolve/in_breadth@1",
    instruction_prompt="evolve/instruction_in_breadth@1",
)
