"""Samples answers of the present model to a round's prompts.

python -m workers.training.sample RUN_FOLDER ROUND_FOLDER ADAPTER_OR_NOTHING
"""

import sys
from pathlib import Path

import orjson

from workers.training.child import opened
from workers.training.files import write_whole
from workers.training.rounds import ANSWERS
from workers.training.template import encode, render


def main(folder: Path, round_: Path, adapter: str) -> None:
    """Writes `answers.jsonl`: the turns and `answers` sampled for them, seeded by the run's seed and the round."""
    with opened(folder, silent=True) as run:
        import torch

        from workers.training.model import load_adapter, load_model, load_tokenizer

        options = run.choice.method_options
        tokenizer = load_tokenizer(run, chat=True)
        model = load_model(run)
        if adapter:
            model = load_adapter(run, model, Path(adapter))
        model.eval()
        torch.manual_seed(run.spec.seed * 1000 + int(round_.name))
        lines = []
        for line in (round_ / "prompts.jsonl").read_bytes().splitlines():
            asked = orjson.loads(line)
            ids = encode(tokenizer, render(tokenizer, asked["turns"], asked["tools"], ask=True))
            prompt = torch.tensor([ids[-run.hyperparameters.max_length :]], device=model.device)
            with torch.no_grad():
                made = model.generate(
                    prompt,
                    attention_mask=torch.ones_like(prompt),
                    do_sample=True,
                    temperature=options.temperature,
                    max_new_tokens=options.max_new_tokens,
                    num_return_sequences=options.answers,
                    pad_token_id=tokenizer.pad_token_id,
                )
            answers = tokenizer.batch_decode(made[:, prompt.shape[1] :], skip_special_tokens=True)
            lines.append(orjson.dumps({**asked, "answers": [answer.strip() for answer in answers]}) + b"\n")
        write_whole(round_ / ANSWERS, b"".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
