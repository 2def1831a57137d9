"""Make a question harder by one more condition."""

from app.catalog.kinds import Evolution

ADD_CONSTRAINT = Evolution(
    summary="Make a question harder by one more condition.",
    direction="depth",
    prompt="evolve/add_constraint@1",
    instruction_prompt="evolve/instruction_add_constraint@1",
)
