"""One exam, as records: its questions, what the models answered, and what came of it. Knows no torch.

An exam is taken in a folder of its own by a child process (`python -m workers.exam FOLDER`): it reads `exam.json` and
writes `answers.json` as the last thing it does.
"""

from typing import Literal

from pydantic import Field

from app.domain import Record, Span

Group = Literal["reworded", "unseen"]
Metric = Literal["exact_match", "f1", "rouge_l", "similarity", "judge"]


class ExamQuestion(Record):
    """A question with its reference answer. No row that is trained on is a near copy of it.

    `group`: `reworded` asks about a fact that is trained on, in other words than any training row; `unseen` about a
    fact of the same corpus that is not trained on. Questions of one `fact` count as one in the intervals.
    """

    id: str
    group: Group
    fact: str
    question: str
    answer: str
    system: str = ""
    sources: tuple[Span, ...] = ()


class Candidate(Record):
    """A model that takes the exam. `adapter`: a PEFT adapter on the base, or whole weights; None: the base itself."""

    name: str
    adapter: str | None = None


class ExamSpec(Record):
    """What the child is asked for. Paths are absolute. `held_out`: JSON lines whose loss is measured."""

    base_model: str
    candidates: tuple[Candidate, ...] = Field(min_length=1)
    questions: tuple[ExamQuestion, ...] = ()
    general: int = Field(default=48, ge=0, description="questions of the general set, evenly spread; 0: none")
    held_out: tuple[str, ...] = ()
    max_new_tokens: int = Field(default=64, ge=1, le=1024)
    max_length: int = Field(default=2048, ge=8)
    batch_size: int = Field(default=8, ge=1, le=256)
    device: Literal["auto", "cpu", "cuda"] = "auto"


class Answers(Record):
    """What one candidate did: its answers in the order of the questions, which general ones it had right, and its loss.

    `loss` is the mean negative log-likelihood in nats of the `tokens` held-out tokens that carry loss.
    """

    candidate: str
    texts: tuple[str, ...]
    general: tuple[bool, ...] = ()
    loss: float | None = None
    tokens: int = 0


class Sat(Record):
    """All answers, and what the exam was taken on."""

    answers: tuple[Answers, ...]
    device: str
    precision: str


class Interval(Record):
    """An estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        return self.low > 0


class Scores(Record):
    """Mean scores of one candidate over one group of questions, each 0 to 1 (the judge's 1 to 5 are scaled)."""

    candidate: str
    group: Group
    questions: int
    means: dict[Metric, float]


class Gain(Record):
    """How much better one candidate is than another over one group: mean difference of `metric`, paired by question."""

    of: str
    over: str
    group: Group
    metric: Metric
    questions: int
    facts: int
    difference: Interval


class General(Record):
    """The general set: the share that a candidate has right, and how that differs from the base model."""

    candidate: str
    questions: int
    share: float
    change: Interval | None = None


class HeldOutLoss(Record):
    """Loss in nats a token on held-out rows, and its exponential."""

    candidate: str
    loss: float
    perplexity: float
    tokens: int


class WeakFact(Record):
    """A question that the trained model still gets wrong, and where its answer stands."""

    question: str
    answer: str
    said: str
    base_said: str
    score: float
    group: Group
    sources: tuple[Span, ...] = ()


class ExamReport(Record):
    """What the exam showed. `metric` is the one that gains are told by: the judge's grades, or F1 without a judge."""

    metric: Metric
    scores: tuple[Scores, ...]
    gains: tuple[Gain, ...]
    general: tuple[General, ...]
    held_out: tuple[HeldOutLoss, ...]
    weak: tuple[WeakFact, ...]
    questions: dict[Group, int]
    left_out: dict[str, int] = Field(default_factory=dict, description="questions that were not used, by reason")
    device: str = ""
    precision: str = ""

    def gain(self, group: Group, of: str = "tuned", over: str = "base") -> Gain | None:
        """The gain of one candidate over another in a group, or None where there were no questions."""
        return next((g for g in self.gains if (g.group, g.of, g.over) == (group, of, over)), None)
