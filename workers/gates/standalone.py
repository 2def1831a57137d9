"""Can the row be read without the document? 1 when nothing in it points to "the text" or "the document", else 0.

A row that asks something of a text it holds itself (`attributes["request"]`) may speak of it when it asks.
"""

from app.domain import Sample
from workers.gates import Measured
from workers.gates.phrases import Phrases
from workers.recipes.work import Work

_DOCUMENT = Phrases(
    (
        r"\b(?:the|this|given|provided|above) (?:text|document|passage|context|excerpt|instruction)s?\b",
        r"\b(?:according to|in|from|given) the (?:given )?(?:information|instructions)\b",
        r"\b(?:в|из|по) (?:(?:данном|этом|приведённом|указанном) )?(?:тексте?|документе?|отрывке?|текста|документу)\b",
        r"\b(?:im|dem|laut) (?:text|dokument)\b",
        r"\b(?:le|du|ce) (?:texte|document)\b",
        r"\bel (?:texto|documento)\b",
    )
)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    said = row.answer if "request" in row.attributes else f"{row.question} {row.answer}"
    mention = mentions_document(said)
    return {"standalone": (0.0 if mention else 1.0, mention or "nothing points outside the row")}


def mentions_document(text: str) -> str:
    """The words that point to the document the reader does not have, or ""."""
    return next(_DOCUMENT.find(text), "")
