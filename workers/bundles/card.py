"""The dataset card: README.md with the front matter that a Hugging Face hub reads."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template

from app import catalog
from app.catalog.bundled import Trainer
from workers.bundles import licence
from workers.bundles.facts import Facts
from workers.containers.columns import Seen

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def description(facts: Facts) -> str:
    """One sentence of what the rows are."""
    summary = catalog.TASKS[facts.task].summary
    return facts.asked["description"] or f"{summary.rstrip('.')}. Synthetic, made of documents and checked."


def card(facts: Facts, trainers: dict[str, Trainer]) -> str:
    bundled, options = facts.bundled(), facts.manifest["dataset"]["spec"].get("options") or {}
    return _template().render(
        front_matter=yaml.safe_dump(_front_matter(facts), sort_keys=False, allow_unicode=True),
        title=_inline(facts.title),
        description=_inline(description(facts)),
        rows=facts.rows,
        language_names=", ".join(facts.languages) or "no known language",
        format=facts.format,
        container=facts.container.summary.rstrip("."),
        created_by=facts.manifest["created_by"],
        date=facts.date,
        splits=facts.splits,
        builder=facts.container.builder,
        data_files=json.dumps({name: split.path for name, split in facts.splits.items()}),
        columns={name: kind(seen) for name, seen in facts.columns.items()},
        trainers={
            name: {"summary": entry.summary, "commands": entry.commands(bundled)} for name, entry in trainers.items()
        },
        base_model=facts.asked["base_model"],
        task=facts.task,
        task_summary=catalog.TASKS[facts.task].summary,
        corpora=list(map(_inline, facts.corpora)),
        documents=facts.documents,
        model=facts.manifest["model"],
        gates=facts.manifest["dataset"]["spec"]["gates"],
        dropped=facts.manifest["dropped"],
        prompts=facts.manifest["prompts"],
        pairs=catalog.TASKS[facts.task].shape_of(options) in ("preference", "trajectories"),
        answerers=[_inline(name) for name in options.get("models") or ()],
        licence=_licence(facts),
    )


def _front_matter(facts: Facts) -> dict[str, Any]:
    return {
        "pretty_name": facts.title,
        "language": facts.languages,
        **licence.on_card(facts.asked["license"]),
        "task_categories": list(catalog.TASKS[facts.task].categories),
        "size_categories": [next((name for most, name in _SIZES if facts.rows < most), "10M<n<100M")],
        "tags": ["synthetic", "corpusmith", facts.task.replace("_", "-")],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": name, "path": split.path} for name, split in facts.splits.items()],
            }
        ],
    }


def kind(seen: Seen) -> str:
    """A place's type in words."""
    found = seen.kind
    if found == "list":
        return f"list of {kind(seen.items)}" if seen.items else "list"
    if found == "object":
        return "{" + ", ".join(f"{name}: {kind(member)}" for name, member in seen.members.items()) + "}"
    return found


def _licence(facts: Facts) -> str:
    spdx = facts.asked["license"]
    return f"[{spdx}]({licence.link(spdx)}), see `LICENSE`." if spdx else "None was stated; see `LICENSE`."


def _inline(text: str) -> str:
    """Text of others as one line that cannot open a block or a tag."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")


@cache
def _template() -> Template:
    text = (Path(__file__).parent / "card.md").read_text()
    return Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(text)  # Markdown, not HTML
