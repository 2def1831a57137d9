"""What a local reward model gives question and answer: the raw number, on the model's own scale."""

from app.catalog.kinds import Metric

REWARD = Metric(
    summary="What a local reward model gives question and answer: the raw number, on the model's own scale.",
    low=-1000.0,
    high=1000.0,
    threshold=0.0,
    reason="low_reward",
    local=True,
    needs="reward_model",
)
