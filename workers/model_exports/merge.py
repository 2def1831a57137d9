"""Merges an adapter into its base model and reads back what it wrote: `python -m workers.model_exports.merge FOLDER`.

Base and adapter are added in float32 and rounded once. A base that training had quantised is merged as its own files
have it, as it is examined and served; one whose own files are quantised is de-quantised first. Weights that, read
back, do not say what base and adapter say are not given away.
"""

import errno
import math
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

from workers.exam.parity import PROMPTS
from workers.model_exports.records import ENDED, MODEL, SPEC, Merged, MergeSpec, NotMerged, Parity
from workers.training.child import ALONE
from workers.training.files import files_below, flush, sync_folder, write_whole
from workers.training.run import no_memory_left

LEAST_SAME = 0.95
MOST_OFF = 0.05  # nats a token
TOKENS = 32  # that the adapter goes on with after each prompt
SHARD = "4GB"

Said = list[tuple[list[int], list[float]]]  # of each text: likeliest tokens, log-probabilities of its own; or its score


def main(folder: Path) -> None:
    """Writes `merged.json` as the last thing it does, whatever comes of it."""
    spec = MergeSpec.model_validate_json((folder / SPEC).read_bytes())
    try:
        ended = merge(spec, folder / MODEL)
    except Exception as wrong:
        traceback.print_exc()  # for whoever reads the child's log
        code: Any = "out_of_memory" if no_memory_left(wrong) else "merge_failed"
        if isinstance(wrong, OSError) and wrong.errno in (errno.ENOSPC, errno.EDQUOT):
            code = "no_space"
        ended = NotMerged(code=code, message=f"{type(wrong).__name__}: {str(wrong)[:500]}")
    write_whole(folder / ENDED, ended.model_dump_json(indent=1).encode())


def merge(spec: MergeSpec, target: Path) -> Merged | NotMerged:
    """The merged model in `target`, or why not."""
    import torch
    from peft import PeftModel
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(spec.weights, local_files_only=True)
    try:
        model = _load(spec.base_model or spec.weights, spec)
    except (OSError, ValueError, KeyError) as wrong:
        if no_memory_left(wrong):
            raise
        return NotMerged(code="invalid_base_model", message=str(wrong).strip().split("\n", 1)[0][:300])
    dequantised = bool(getattr(model, "is_quantized", False))
    if dequantised:
        model = model.dequantize().float()
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    texts: list[list[int]] | None = None
    before: Said | None = None
    if spec.base_model:
        model = PeftModel.from_pretrained(model, spec.weights, local_files_only=True)
        model.eval()
        texts = _texts(model, tokenizer, spec)
        with model.disable_adapter():
            before = _said(model, texts, spec)
    texts = texts or _texts(model, tokenizer, spec)
    wanted = _said(model, texts, spec)
    if spec.base_model:
        model = model.merge_and_unload(safe_merge=True)
    _save(model.to(torch.bfloat16 if spec.precision == "bf16" else torch.float16), tokenizer, target)
    del model
    parity = _compare(wanted, _said(_load(str(target), spec), texts, spec), before or wanted)
    if not (parity.same >= LEAST_SAME and parity.off <= MOST_OFF):  # so that NaN is not near
        shutil.rmtree(target)
        message = (
            f"read back in {spec.precision}, the merged weights have {100 * parity.same:.1f} % of the most likely "
            f"tokens of base and adapter, {parity.off:.3f} nats a token off; {100 * LEAST_SAME:.0f} % and "
            f"{MOST_OFF} are allowed"
        )
        return NotMerged(code="parity_failed", message=message, parity=_finite(parity))
    return Merged(files=files_below(target), parity=parity, dequantised=dequantised)


def _load(folder: str, spec: MergeSpec) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    kind = AutoModelForSequenceClassification if spec.reward else AutoModelForCausalLM
    more = {"num_labels": 1} if spec.reward else {}
    torch.manual_seed(0)  # a base model has no score yet: its head is the adapter's
    return kind.from_pretrained(folder, local_files_only=True, dtype=torch.float32, **more).eval()


def _save(model: Any, tokenizer: Any, target: Path) -> None:
    """Beside first, then renamed."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial, max_shard_size=SHARD)
    tokenizer.save_pretrained(partial)
    (partial / "README.md").unlink(missing_ok=True)
    flush(partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    sync_folder(target.parent)


def _texts(model: Any, tokenizer: Any, spec: MergeSpec) -> list[list[int]]:
    """Each prompt, and what the model says to it. For models without a chat template: the prompt alone."""
    import torch

    from workers.exam.sitting import generate
    from workers.training.template import encode, render

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if not tokenizer.chat_template:
        return [encode(tokenizer, prompt) for prompt in PROMPTS]
    asked = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
    if spec.reward:
        answers = [{"role": "assistant", "content": f"{prompt} Yes."} for prompt in PROMPTS]
        whole = zip(asked, answers, strict=True)
        return [encode(tokenizer, render(tokenizer, [*turns, answer], None)) for turns, answer in whole]
    prompts = [encode(tokenizer, render(tokenizer, turns, None, ask=True)) for turns in asked]
    with torch.inference_mode():
        made = generate(model, tokenizer, prompts, TOKENS)
    return [prompt + some for prompt, some in zip(prompts, made, strict=True)]


def _said(model: Any, texts: list[list[int]], spec: MergeSpec) -> Said:
    import torch

    found = []
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([text])
            logits = model(input_ids=ids).logits.float()
            if spec.reward:
                found.append(([0], [float(logits[0, 0])]))
                continue
            after = torch.log_softmax(logits[0, :-1], dim=-1)
            said = after.gather(1, ids[0, 1:, None])[:, 0]
            found.append((after.argmax(-1).tolist(), said.tolist()))
    return found


def _compare(wanted: Said, got: Said, before: Said) -> Parity:
    """Of a reward model, whose `likeliest` says nothing, `same` is the share of pairs of scores in the same order."""
    values, read, base = ([value for _, some in said for value in some] for said in (wanted, got, before))
    likeliest, read_likeliest = ([token for tokens, _ in said for token in tokens] for said in (wanted, got))
    same = sum(a == b for a, b in zip(likeliest, read_likeliest, strict=True)) / len(values)
    if len(values) == len(wanted):
        pairs = [(a, b) for a in range(len(values)) for b in range(a)]
        same = sum((values[a] > values[b]) == (read[a] > read[b]) for a, b in pairs) / max(len(pairs), 1)
    off, moved = (sum(abs(a - b) for a, b in zip(values, other, strict=True)) / len(values) for other in (read, base))
    return Parity(
        prompts=len(wanted), tokens=len(values), same=round(same, 4), off=round(off, 6), moved=round(moved, 6)
    )


def _finite(parity: Parity) -> Parity:
    """JSON has no NaN: numbers that are none are told as the largest error."""
    said = {name: value for name, value in parity.model_dump().items()}
    return Parity(**{name: value if math.isfinite(value) else 1e9 for name, value in said.items()})


if __name__ == "__main__":
    os.environ.update(ALONE)
    main(Path(sys.argv[1]))
