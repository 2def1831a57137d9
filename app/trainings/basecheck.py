"""Whether a base model suits the rows, before it is trained: what is missing, what is cut, what is known to fail."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from app.catalog import METHODS, VARIANTS
from app.catalog.training import Choice
from app.domain import Record
from app.reports.fertility import ENGLISH, TIMES_ENGLISH, Piece, measure
from app.trainings.basemodel import BaseModel
from app.trainings.rows import Chat, Labelled, Pair, Prompt, Row, Text, rows

LOOKED_AT = 2000  # rows
SMALL = 7_000_000_000


class Note(Record):
    """Something to know before the start; `code` is stable."""

    code: str
    message: str


class BaseCheck(Record):
    """What was found. `experts`: of each layer, 0 in a dense model.

    Fertility is tokens a word, of the rows and of plain English with the same tokenizer.
    """

    model_type: str
    parameters: int
    experts: int = 0
    context: int | None
    chat_template: bool
    template_sha256: str | None
    licence: str | None
    rows: int
    rows_cut: int
    fertility: float
    english_fertility: float
    notes: tuple[Note, ...]


def check_base(base: BaseModel, choice: Choice, files: Sequence[str]) -> BaseCheck:
    """Looks at the first rows of `files`. Raises BadRow at one that cannot be read."""
    shapes = METHODS[choice.method].rows
    sample = list(islice((row for file in files for row in rows(Path(file), shapes)), LOOKED_AT))
    lengths, longest = list(base.lengths(sample)), choice.hyperparameters.max_length
    fertility, english = (_fertility(base, texts) for texts in (list(_texts(sample)), [ENGLISH]))
    context = base.config.get("max_position_embeddings")
    found = BaseCheck(
        model_type=str(base.config.get("model_type", "")),
        parameters=base.parameters,
        experts=base.experts,
        context=context if isinstance(context, int) else None,
        chat_template=base.template is not None,
        template_sha256=base.template_sha256,
        licence=base.licence,
        rows=len(sample),
        rows_cut=0 if choice.method == "pretrain" else sum(length > longest for length in lengths),
        fertility=round(fertility, 2),
        english_fertility=round(english, 2),
        notes=(),
    )
    return found.model_copy(update={"notes": tuple(_notes(found, choice))})


def _notes(found: BaseCheck, choice: Choice) -> Iterator[Note]:
    if not found.chat_template and choice.method != "pretrain":
        yield Note(code="no_chat_template", message="conversations cannot be rendered; the run would fail")
    if found.licence is None:
        yield Note(code="no_licence", message="no licence file and none stated in a model card: look it up")
    longest = choice.hyperparameters.max_length
    if found.context is not None and longest > found.context:
        message = f"max_length {longest} is beyond the {found.context} tokens this model was made for"
        yield Note(code="beyond_context", message=message)
    if found.rows_cut:
        message = f"{found.rows_cut} of {found.rows} rows are longer than max_length {longest} and will be cut"
        yield Note(code="rows_cut", message=message)
    if found.fertility > TIMES_ENGLISH * found.english_fertility:
        message = (
            f"{found.fertility} tokens a word, against {found.english_fertility} for English: "
            "this tokenizer hardly knows the language of the rows"
        )
        yield Note(code="high_fertility", message=message)
    if VARIANTS[choice.variant].adapter and 0 < found.parameters < SMALL:
        message = (
            f"adapters often learn little on models under about 7B parameters ({found.parameters / 1e9:.2f}B here); "
            "the exam before and after says whether this one did"
        )
        yield Note(code="small_for_adapters", message=message)
    if VARIANTS[choice.variant].adapter and found.experts > 1:
        message = (
            f"a mixture of {found.experts} experts: without `target_modules` the adapter trains the router and every "
            "expert, and model servers may not load that; `esft` trains the experts that the rows are routed to"
        )
        yield Note(code="mixture_of_experts", message=message)


def _fertility(base: BaseModel, texts: Iterable[str]) -> float:
    total = measure(base.tokenizer, (Piece("", "", text) for text in texts)).total
    return total.tokens / max(total.words, 1)


def _texts(sample: list[Row]) -> Iterator[str]:
    for row in sample:
        if isinstance(row, Text):
            yield row.text
            continue
        if isinstance(row, Chat):
            turns = row.turns
        elif isinstance(row, Prompt):
            turns = row.prompt
        else:
            turns = row.prompt + (row.chosen if isinstance(row, Pair) else row.completion)
            assert isinstance(row, Pair | Labelled)
        yield from (str(turn["content"]) for turn in turns if turn["content"])
