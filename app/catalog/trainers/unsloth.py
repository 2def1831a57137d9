"""Unsloth: a script, since it has no configuration files."""

from app.catalog.bundled import Bundled, Trainer

_LOAD = '''"""In the bundle's folder: python trainers/unsloth/train.py"""

from datasets import load_dataset
from unsloth import FastLanguageModel
{imports}
MODEL = {model!r}

model, tokenizer = FastLanguageModel.from_pretrained(MODEL, max_seq_length=2048, load_in_4bit=True)
model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=32, random_state=0)
rows = load_dataset({builder!r}, data_files={files!r})
{prepare}
trainer = {trainer}(
    model=model,
    {tokenizer}=tokenizer,
    train_dataset=rows["train"],
    eval_dataset=rows.get("validation"),
    args={config}(
        per_device_train_batch_size=2,
        gradient_accumulation_steps=8,
        num_train_epochs=2,
        learning_rate={rate},
        lr_scheduler_type="cosine",
        logging_steps=10,
        report_to="none",
        seed=0,
        output_dir={output!r},{more}
    ),
)
trainer.train()
model.save_pretrained({output!r})
tokenizer.save_pretrained({output!r})
'''
_FROM_MESSAGES = """

def text(row):
    return {"text": tokenizer.apply_chat_template(row["messages"], tools=row.get("tools"), tokenize=False)}


rows = rows.map(text)
"""
_FROM_SHAREGPT = """
ROLES = {"human": "user", "gpt": "assistant", "system": "system", "observation": "tool"}


def text(row):
    turns = [{"role": ROLES[turn["from"]], "content": turn["value"]} for turn in row["conversations"]]
    return {"text": tokenizer.apply_chat_template(turns, tokenize=False)}


rows = rows.map(text)
"""
_PREPARE = {"messages": _FROM_MESSAGES, "sharegpt": _FROM_SHAREGPT, "chatml": "", "text": "", "dpo": "", "kto": ""}
_TRAINERS = {"dpo": "DPO", "kto": "KTO"}


def files(bundled: Bundled) -> dict[str, str]:
    """`train.py`; every value from outside stands in it as a Python literal."""
    method = _TRAINERS.get(bundled.format, "SFT")
    data = {"train": bundled.train} | ({"validation": bundled.validation} if bundled.validation else {})
    script = _LOAD.format(
        imports=_imports(method),
        model=bundled.base_model,
        builder=bundled.builder,
        files=data,
        prepare=_PREPARE[bundled.format],
        trainer=f"{method}Trainer",
        tokenizer="processing_class",
        config=f"{method}Config",
        rate="2e-4" if method == "SFT" else "5e-6",
        output=f"{bundled.name}-unsloth",
        more='\n        dataset_text_field="text",' if method == "SFT" else "",
    )
    return {"train.py": script}


def _imports(method: str) -> str:
    if method == "SFT":
        return "from trl import SFTConfig, SFTTrainer\n"
    return (
        f"from unsloth import PatchDPOTrainer\n\nPatchDPOTrainer()\nfrom trl import {method}Config, {method}Trainer\n"
    )


def commands(bundled: Bundled) -> list[str]:
    return ["python trainers/unsloth/train.py"]


UNSLOTH = Trainer(
    summary="Unsloth: a script of some thirty lines, with 4-bit weights and LoRA.",
    formats=frozenset(_PREPARE),
    files=files,
    commands=commands,
)
