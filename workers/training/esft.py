"""ESFT (arXiv 2407.01906): of a mixture of experts only those are trained that the task's rows are routed to.

Transformers keeps all experts of a layer in one tensor, so single ones cannot be switched off. The whole tensor trains,
the gradient of the others is masked, and weight decay, which needs no gradient, falls on the chosen ones alone: the
others stay as they were, bit for bit. The optimiser's state covers all of them, so the paper's saving of memory is not
had this way, and a sharded tensor (FSDP, ZeRO-3) cannot be masked like this.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import torch

from workers.training import data
from workers.training.files import write_whole
from workers.training.run import Run, RunFailed

CHOSEN = "experts.json"
Chosen = dict[str, list[int]]  # name of the experts' module -> their numbers


def attach(run: Run, trainer: Any) -> None:
    """Chooses the experts, or takes those that were chosen before, and lets nothing else train."""
    path = run.folder / CHOSEN
    if path.exists():
        chosen: Chosen = orjson.loads(path.read_bytes())
    else:
        chosen = choose(run, trainer.model, trainer.processing_class)
        write_whole(path, orjson.dumps(chosen))
    count = sum(map(len, chosen.values()))
    run.journal.message(f"{count} experts of {len(chosen)} layers are trained")
    masks = only(trainer.model, chosen)
    trainer.own_optimizer = lambda made: SlicedAdamW(masks, made.args)


def blocks(model: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, router and experts of every mixture-of-experts layer (OLMoE, Qwen3-MoE, Mixtral and their like)."""
    for name, module in model.named_modules():
        router, experts = getattr(module, "gate", None), getattr(module, "experts", None)
        if router is not None and experts is not None and any(p.dim() == 3 for p in experts.parameters(recurse=False)):
            yield f"{name}.experts", router, experts


def choose(run: Run, model: Any, tokenizer: Any) -> Chosen:
    """In each layer the fewest experts that together carry `share` of the routing of the first rows."""
    options = run.choice.variant_options
    found = affinity(model, data.sequences(run, tokenizer, options.rows), run, by_weight=options.score == "gate")
    if not found:
        raise RunFailed(
            "refused_combination", "esft needs a mixture of experts, and this model is none", param="variant"
        )
    return {name: fewest(scores, options.share) for name, scores in found.items()}


def affinity(model: Any, rows: Iterator[list[int]], run: Run, *, by_weight: bool) -> dict[str, Any]:
    """Of each layer the share of the routing that each expert got, shape (experts,), sums to 1.

    By weight: mean gate weight of a token; else: share of tokens routed there (the paper's two scores).
    """
    totals = {name: torch.zeros(router.weight.shape[0], dtype=torch.float64) for name, router, _ in blocks(model)}
    hooks = [router.register_forward_hook(_count(totals[name], by_weight)) for name, router, _ in blocks(model)]
    model.eval()
    try:
        with torch.no_grad():
            for ids in rows:
                cut = torch.tensor([ids[: run.hyperparameters.max_length]], device=model.device)
                model(input_ids=cut, use_cache=False)
    finally:
        model.train()
        for hook in hooks:
            hook.remove()
    return {name: total / total.sum() for name, total in totals.items()}


def _count(total: Any, by_weight: bool) -> Callable[[Any, Any, Any], None]:
    def hook(_: Any, __: Any, routed: Any) -> None:
        _logits, weights, chosen = routed  # (tokens, experts), (tokens, k), (tokens, k)
        values = weights if by_weight else torch.ones_like(weights)
        total.index_add_(0, chosen.flatten().cpu(), values.flatten().double().cpu())

    return hook


def fewest(scores: Any, share: float) -> list[int]:
    """The fewest experts whose scores reach `share`, strongest first, by number."""
    order = scores.argsort(descending=True, stable=True)
    reached = scores[order].cumsum(0)
    enough = int((reached < share - 1e-12).sum()) + 1
    return sorted(order[:enough].tolist())


def only(model: Any, chosen: Chosen) -> list[tuple[Any, Any]]:
    """Freezes all but the chosen experts: (tensor, mask) pairs, masks of shape (experts, 1, 1), 1 where chosen."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    masks = []
    for name, _, experts in blocks(model):
        for parameter in experts.parameters(recurse=False):
            parameter.requires_grad_(True)
            mask = parameter.new_zeros((parameter.shape[0],) + (1,) * (parameter.dim() - 1))
            mask[chosen[name]] = 1
            parameter.register_hook(_masked(mask))
            masks.append((parameter, mask))
    return masks


def _masked(mask: Any) -> Callable[[Any], Any]:
    return lambda gradient: gradient * mask


class SlicedAdamW(torch.optim.AdamW):  # type: ignore[misc]
    """AdamW whose decoupled weight decay falls on the chosen slices alone; the others are multiplied by exactly 1."""

    def __init__(self, masks: list[tuple[Any, Any]], args: Any) -> None:
        self.masks, self.decay = masks, args.weight_decay
        betas, eps = (args.adam_beta1, args.adam_beta2), args.adam_epsilon
        super().__init__([p for p, _ in masks], lr=args.learning_rate, betas=betas, eps=eps, weight_decay=0.0)

    def step(self, closure: Any = None) -> Any:
        if self.decay:
            with torch.no_grad():
                for parameter, mask in self.masks:
                    parameter.mul_(1 - self.param_groups[0]["lr"] * self.decay * mask)
        return super().step(closure)


def unchanged(before: dict[str, Any], after: dict[str, Any], chosen: Chosen) -> tuple[list[str], list[str]]:
    """Of two state dicts: tensors and slices that changed and should have, and those that should not have."""
    right: list[str] = []
    wrong: list[str] = []
    for name, old in before.items():
        numbers = chosen.get(name.rsplit(".", 1)[0])
        if numbers is None:
            wrong += [name] if not torch.equal(old, after[name]) else []
            continue
        for i in range(len(old)):
            if not torch.equal(old[i], after[name][i]):
                (right if i in numbers else wrong).append(f"{name}[{i}]")
    return right, wrong


def chosen_of(folder: Path) -> Chosen:
    """The experts that a run chose."""
    found: Chosen = orjson.loads((folder / CHOSEN).read_bytes())
    return found
