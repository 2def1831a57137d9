"""Online iterative DPO: the model's own answers are judged and paired, in rounds (RLHF Workflow, arXiv 2405.07863)."""

from pydantic import Field

from app.catalog.kinds import Options
from app.catalog.training import TrainingMethod

AT_ONCE = 8  # answers that the judge grades in one call


class OnlineDpoOptions(Options):
    """How many rounds, and what one is made of."""

    rounds: int = Field(default=3, ge=1, le=20, description="sample, judge, pair, train; so many times")
    answers: int = Field(default=8, ge=2, le=64, description="sampled for each prompt")
    temperature: float = Field(default=1.0, gt=0, le=2, description="of the sampling")
    max_new_tokens: int = Field(default=256, ge=1, le=8192, description="of an answer")
    margin: float = Field(default=0.1, ge=0, description="pairs whose scores differ by less are left out")
    longest_ratio: float = Field(default=1.5, ge=1, le=100, description="chosen and rejected differ in length by less")
    beta: float = Field(default=0.1, gt=0, le=10, description="as in dpo")
    reward_model: str | None = Field(
        default=None,
        max_length=500,
        description="an `ft:` model that method reward has made, to score the answers; None: the judge grades them",
    )
    most_judge_calls: int | None = Field(
        default=None, ge=1, description="calls to the judge, in all rounds; what is over it is left out. None: no limit"
    )


ONLINE_DPO = TrainingMethod(
    summary="Samples the present model, has its answers judged, learns from best against worst, and begins again.",
    rows=frozenset({"chat", "pairs", "prompts"}),
    learning_rate=5e-6,
    options=OnlineDpoOptions,
    defaults={"n_epochs": 1.0, "warmup_ratio": 0.1},
)
