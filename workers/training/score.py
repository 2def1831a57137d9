"""Scores a round's answers with a reward model that method `reward` made.

python -m workers.training.score RUN_FOLDER ROUND_FOLDER REWARD_MODEL
"""

import sys
from pathlib import Path
from typing import Any

import orjson

from workers.training.child import opened
from workers.training.rounds import judge
from workers.training.template import encode, render


def main(folder: Path, round_: Path, model: Path) -> None:
    """Writes `scores.jsonl`: a list of scores for each line of answers."""
    with opened(folder, silent=True) as run:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
        config = model / "adapter_config.json"
        base = orjson.loads(config.read_bytes())["base_model_name_or_path"] if config.exists() else model
        scorer: Any = AutoModelForSequenceClassification.from_pretrained(
            base, num_labels=1, local_files_only=True, dtype=torch.float32
        )
        scorer.config.pad_token_id = tokenizer.pad_token_id
        if config.exists():
            from peft import PeftModel

            scorer = PeftModel.from_pretrained(scorer, str(model), local_files_only=True)
        scorer.to(run.device).eval()

        def scores(turns: list[dict[str, Any]], answers: list[str]) -> list[float]:
            found = []
            for answer in answers:
                whole = [*turns, {"role": "assistant", "content": answer}]
                ids = torch.tensor([encode(tokenizer, render(tokenizer, whole, None))], device=run.device)
                with torch.no_grad():
                    found.append(float(scorer(input_ids=ids).logits[0, 0]))
            return found

        judge(round_, scores)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
