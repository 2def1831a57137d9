"""From answers to a report: scores of each candidate, gains with intervals, losses, and what is still not known."""

import math
from collections.abc import Mapping, Sequence

from app.exams.records import (
    Answers,
    ExamQuestion,
    ExamReport,
    Gain,
    General,
    Group,
    HeldOutLoss,
    Metric,
    Sat,
    Scores,
    WeakFact,
)
from workers.exam import bootstrap

GROUPS: tuple[Group, ...] = ("reworded", "unseen")
WEAK_BELOW = 0.5
MOST_WEAK = 50
Graded = Mapping[str, Sequence[Mapping[Metric, float]]]  # candidate -> for each question, metric -> 0..1


def report(
    questions: Sequence[ExamQuestion],
    sat: Sat,
    grades: Graded,
    *,
    metric: Metric,
    seed: int,
    left_out: Mapping[str, int] | None = None,
) -> ExamReport:
    """The whole report. The first candidate is the base, by which the others are measured."""
    names = [answers.candidate for answers in sat.answers]
    by_name = {answers.candidate: answers for answers in sat.answers}
    pairs = [(name, names[0]) for name in names[1:]]
    pairs += [(names[1], other) for other in names[2:]]  # the trained one over its controls, too
    gains = [
        found
        for group in GROUPS
        for of, over in pairs
        if (found := _gain(questions, grades, group, of, over, metric, seed)) is not None
    ]
    return ExamReport(
        metric=metric,
        scores=tuple(_scores(questions, grades, name, group) for name in names for group in _asked(questions)),
        gains=tuple(gains),
        general=tuple(_general(by_name[name], by_name[names[0]], seed) for name in names if by_name[name].general),
        held_out=tuple(_held_out(by_name[name]) for name in names if by_name[name].loss is not None),
        weak=tuple(_weak(questions, by_name, grades, names, metric)) if len(names) > 1 else (),
        questions={group: sum(q.group == group for q in questions) for group in _asked(questions)},
        left_out=dict(left_out or {}),
        device=sat.device,
        precision=sat.precision,
    )


def _asked(questions: Sequence[ExamQuestion]) -> list[Group]:
    return [group for group in GROUPS if any(question.group == group for question in questions)]


def _scores(questions: Sequence[ExamQuestion], grades: Graded, name: str, group: Group) -> Scores:
    mine = [grade for question, grade in zip(questions, grades[name], strict=True) if question.group == group]
    metrics = sorted({metric for grade in mine for metric in grade})
    means = {metric: _mean([grade[metric] for grade in mine if metric in grade]) for metric in metrics}
    return Scores(candidate=name, group=group, questions=len(mine), means=means)


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)


def _gain(
    questions: Sequence[ExamQuestion], grades: Graded, group: Group, of: str, over: str, metric: Metric, seed: int
) -> Gain | None:
    """Over the questions that both were graded in."""
    differences, facts = [], []
    for question, one, other in zip(questions, grades[of], grades[over], strict=True):
        if question.group == group and metric in one and metric in other:
            differences.append(one[metric] - other[metric])
            facts.append(question.fact)
    if not differences:
        return None
    return Gain(
        of=of,
        over=over,
        group=group,
        metric=metric,
        questions=len(differences),
        facts=len(set(facts)),
        difference=bootstrap.paired(differences, facts, seed=seed),
    )


def _general(mine: Answers, base: Answers, seed: int) -> General:
    change = None
    if mine is not base:
        differences = [float(one) - float(other) for one, other in zip(mine.general, base.general, strict=True)]
        change = bootstrap.paired(differences, [str(i) for i in range(len(differences))], seed=seed)
    share = sum(mine.general) / len(mine.general)
    return General(candidate=mine.candidate, questions=len(mine.general), share=round(share, 4), change=change)


def _held_out(answers: Answers) -> HeldOutLoss:
    assert answers.loss is not None
    perplexity = math.exp(min(answers.loss, 50.0))  # beyond e^50 the number says no more
    return HeldOutLoss(
        candidate=answers.candidate, loss=round(answers.loss, 5), perplexity=round(perplexity, 4), tokens=answers.tokens
    )


def _weak(
    questions: Sequence[ExamQuestion], by_name: Mapping[str, Answers], grades: Graded, names: list[str], metric: Metric
) -> list[WeakFact]:
    """What the trained model has wrong, trained facts first, the worst first."""
    base, tuned = names[0], names[1]
    found = [
        WeakFact(
            question=question.question,
            answer=question.answer,
            said=by_name[tuned].texts[at],
            base_said=by_name[base].texts[at],
            score=round(grades[tuned][at][metric], 4),
            group=question.group,
            sources=question.sources,
        )
        for at, question in enumerate(questions)
        if grades[tuned][at].get(metric, 1.0) < WEAK_BELOW
    ]
    return sorted(found, key=lambda fact: (GROUPS.index(fact.group), fact.score))[:MOST_WEAK]
