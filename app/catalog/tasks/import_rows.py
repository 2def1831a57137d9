"""Rows that somebody made elsewhere: read from uploaded files, measured by the gates that are asked for, selected."""

from typing import Literal

from pydantic import Field

from app.catalog.kinds import DatasetTask, Options, Shape


class ImportOptions(Options):
    """What the uploaded records are."""

    records: Literal["chat", "tools", "preference", "text"] = Field(
        default="chat",
        description="`chat`: messages, ShareGPT, Alpaca, prompt and completion; `tools`: messages that call tools; "
        "`preference`: a chosen and a rejected answer; `text`: plain text in `text`",
    )


def _shape(options: ImportOptions) -> Shape:
    return options.records


IMPORT_ROWS = DatasetTask(
    summary="Rows from elsewhere (messages, ShareGPT, Alpaca, prompt and completion, preference pairs, text), checked.",
    options=ImportOptions,
    gates={},  # only those that are asked for: whoever made the rows may have checked them
    cost=lambda options: 0,
    rows=lambda options: 1,
    prompts=("judge/instruct@1", "judge/standing@1"),
    example={
        "question": "At what time does the ferry Aurora leave Norvik on weekdays?",
        "answer": "The ferry Aurora leaves Norvik at 07:40 on weekdays.",
    },
    shaped=_shape,
    source="rows",
    repairable=False,  # the rows are somebody's own: they are taken or left, not written anew
    rounds=1,
    # What is measured against a document says nothing about rows that came without one.
    measured_by=frozenset(
        {
            "echo",
            "refusal",
            "stop_words",
            "length",
            "question_length",
            "language",
            "standalone",
            "correctness",
            "helpfulness",
            "clarity",
            "complexity",
            "quality",
            "ifd",
            "reward",
        }
    ),
)
