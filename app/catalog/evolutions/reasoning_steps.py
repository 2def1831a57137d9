"""Ask for a conclusion that takes more than one step."""

from app.catalog.kinds import Evolution

REASONING_STEPS = Evolution(
    summary="Ask for a conclusion that takes more than one step.",
    direction="depth",
    prompt="evolve/reasoning_steps@1",
    instruction_prompt="evolve/instruction_reasoning_steps@1",
)
