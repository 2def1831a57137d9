"""What a training run costs over a plain TRL script on the same rows: both as processes of their own, in pairs.

    python -m benchmarks.training_overhead [--rows 240] [--pairs 3] [--model FOLDER] [--threads 1]

The plain script reads the same JSON lines, trains the same LoRA with the same settings and saves as often, and does
nothing else: no check of rows, no events, no manifest, no flush to disk. Which of the two goes first alternates. Wall
and CPU time are those of the whole process, from its start to its last file; the target is for the wall. Without
--model a random Llama of 4 million weights is made.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.trainings.run import Result, RunSpec
from benchmarks import measure
from tests.training import tiny
from workers.training import control

SETTINGS = {"n_epochs": 1, "batch_size": 8, "micro_batch_size": 8, "learning_rate": 1e-3, "checkpoint_every": 10}
PLAIN = """
import sys
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

model, rows, out = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(model)
trainer = SFTTrainer(
    model=AutoModelForCausalLM.from_pretrained(model, dtype="float32"),
    processing_class=tokenizer,
    train_dataset=load_dataset("json", data_files=rows, split="train", cache_dir=out + "/cache"),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    args=SFTConfig(
        output_dir=out, use_cpu=True, bf16=False, num_train_epochs=1, per_device_train_batch_size=8,
        gradient_accumulation_steps=1, learning_rate=1e-3, lr_scheduler_type="cosine", warmup_steps=1,
        gradient_checkpointing=False, logging_steps=1, save_steps=10, save_total_limit=3, report_to="none",
        max_length=2048, completion_only_loss=True, disable_tqdm=True, seed=0,
    ),
)
trainer.train()
trainer.save_model(out + "/adapter")
"""


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--rows", type=int, default=240)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--model", default="", help="folder of a base model")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = Path(options.model) if options.model else _model(folder / "model")
        pairs = [_pair(folder, model, options.rows, first=number % 2) for number in range(options.pairs)]
    ratios = {kind: statistics.median(ours[kind] / plain[kind] for ours, plain in pairs) for kind in ("wall", "cpu")}
    figures = {
        "pairs": [{"ours": ours, "plain": plain} for ours, plain in pairs],
        "cpu_ratio": round(ratios["cpu"], 3),
        "targets": {"wall_ratio": measure.judged(round(ratios["wall"], 3), 1.05, at_most=True)},
    }
    measure.report("training_overhead", options, figures)


def _model(folder: Path) -> Path:
    return tiny.model(folder, hidden_size=256, intermediate_size=704, num_hidden_layers=4, num_attention_heads=4)


def _pair(folder: Path, model: Path, count: int, first: int) -> tuple[dict[str, float], dict[str, float]]:
    """One run of each, on the same rows; `first`: 0, ours; 1, the plain one."""
    rows = [{"prompt": row["messages"][:1], "completion": row["messages"][1:]} for row in tiny.chat_rows(count)]
    file = tiny.written(folder / "rows.jsonl", rows)
    took: dict[str, dict[str, float]] = {}
    for name in ("ours", "plain")[:: 1 if first == 0 else -1]:
        run = folder / name
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir()
        took[name] = _timed(_ours(run, model, file) if name == "ours" else _plain(run, model, file))
        if name == "ours" and not isinstance(control.outcome(run), Result):
            raise SystemExit(f"our run failed: {control.outcome(run)}")
    return took["ours"], took["plain"]


def _ours(run: Path, model: Path, file: Path) -> list[str]:
    spec = RunSpec(
        method="sft", variant="lora", base_model=str(model), train_files=(str(file),), hyperparameters=SETTINGS
    )
    control.prepare(run, spec)
    return control.command(run)


def _plain(run: Path, model: Path, file: Path) -> list[str]:
    return [sys.executable, "-c", PLAIN, str(model), str(file), str(run)]


def _timed(command: list[str]) -> dict[str, float]:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": round(wall, 2), "cpu": round(cpu, 2)}


if __name__ == "__main__":
    main()
