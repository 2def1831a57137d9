"""Read a prompt as a model would: its document, its sentences and language, and questions worded from them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 380
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"(?<=[.!?…][»\"”)])\s+|(?<=[.!?…])\s+(?=[^\sa-zа-яё])|(?<=[。！？])")
_INSTRUCTION = re.compile(r"^<instruction>\n(.*?)\n</instruction>$", re.S | re.M)
_OWN_LINE = ("#", "|", "- ", "* ", "```")
_EDGES = ".,;:!?…()[]{}\"'«»“”„|#*`—–-。，！？"
_COMMON = {
    "en": {"the", "and", "is", "of", "to", "in", "a", "for", "are", "with"},
    "de": {"der", "die", "das", "und", "ist", "nicht", "mit", "ein", "eine", "auf"},
    "fr": {"le", "la", "les", "et", "est", "des", "une", "dans", "pour", "du"},
    "es": {"el", "los", "las", "y", "es", "una", "por", "del", "con", "que"},
}
_WORDINGS = {
    "en": ("What is stated about {}?", "Which facts are known about {}?", "What holds in the matter of {}?"),
    "ru": ("Что сказано о следующем: {}?", "Что известно про {}?", "Какие сведения есть на тему: {}?"),
    "de": ("Was gilt für {}?", "Welche Angaben gibt es zu {}?", "Was ist bekannt über {}?"),
    "fr": ("Que sait-on de {} ?", "Quels faits sont connus sur {} ?", "Qu'est-il dit de {} ?"),
    "es": ("¿Qué se dice de {}?", "¿Qué datos hay sobre {}?", "¿Qué se sabe de {}?"),
    "other": ("{}?", "{} ?", "— {}?"),
}
_EVOLVED = {
    "en": ("Under which condition does this hold: {}?", "Whoever deals with {} must know what else?"),
    "ru": ("При каком условии верно следующее: {}?", "Что ещё нужно знать тому, кто имеет дело с {}?"),
    "de": ("Unter welcher Bedingung gilt dies: {}?", "Was muss außerdem wissen, wer mit {} zu tun hat?"),
    "fr": ("À quelle condition ceci est-il vrai : {} ?", "Que doit savoir de plus qui s'occupe de {} ?"),
    "es": ("¿Con qué condición vale esto: {}?", "¿Qué más debe saber quien trata de {}?"),
    "other": ("— {} —?", "… {}?"),
}
_PREFIXES = {
    "en": ("In short: ", "Briefly: ", "It is stated: ", "As is known: "),
    "ru": ("Коротко: ", "Известно следующее: ", "Сказано так: ", "Ответ: "),
    "de": ("Kurz: ", "Es gilt: ", "Bekannt ist: ", "Dazu: "),
    "fr": ("En bref : ", "Il est dit : ", "On sait ceci : ", "Voici : "),
    "es": ("En breve: ", "Se dice: ", "Se sabe: ", "Así es: "),
    "other": ("", ": ", "— ", "» "),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A document's verbatim sentences (never none) with their words, for matching."""

    text: str
    language: str
    sentences: tuple[str, ...]
    words: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt taken apart. `question` is the `Question: ` line behind the document, if there is one."""

    text: str
    document: Document
    instruction: str
    question: str | None
    prefix_length: int


def words_of(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _language(text: str) -> str:
    sample = text[:4000].casefold()
    letters = sum(map(str.isalpha, sample)) or 1
    if sum("а" <= c <= "ё" for c in sample) > 0.4 * letters:
        return "other" if re.search("[іїєґ]", sample) else "ru"
    if sum(c.isascii() for c in sample if c.isalpha()) < 0.5 * letters:
        return "other"
    found = _WORD.findall(sample)
    votes = {language: sum(word in common for word in found) for language, common in _COMMON.items()}
    return max(votes, key=lambda language: votes[language])


def _paragraphs(text: str) -> Iterator[str]:
    """Runs of lines, joined as they stood, so that a sentence wrapped over two lines stays verbatim."""
    run: list[str] = []
    for line in text.split("\n"):
        alone = line.lstrip().startswith(_OWN_LINE)
        if run and (alone or not line.strip()):
            yield "\n".join(run)
            run = []
        if alone:
            yield line
        elif line.strip():
            run.append(line)
    if run:
        yield "\n".join(run)


def cut(text: str, longest: int) -> str:
    """The start of `text`, ending between words where there are any."""
    if len(text) <= longest:
        return text
    return text[:longest].rsplit(None, 1)[0] if " " in text[: longest + 1] else text[:longest]


@lru_cache(maxsize=2048)
def read_document(text: str) -> Document:
    """Sentences of at least four words (or twelve characters, for scripts without spaces), headings left out."""
    pieces = [piece.strip() for part in _paragraphs(text) for piece in _SENTENCE_END.split(part)]
    whole = [cut(piece, LONGEST) for piece in dict.fromkeys(pieces) if piece]
    good = [piece for piece in whole if not piece.startswith("#") and (piece.count(" ") > 2 or len(piece) > 12)]
    sentences = tuple(good or whole or ["There is nothing here."])
    return Document(text, _language(text), sentences, tuple(words_of(sentence) for sentence in sentences))


def read_prompt(text: str) -> Prompt:
    """Take a prompt apart. Without `<document>` tags the instructions in it are, and without those the whole prompt.

    An instruction that stands alone at the beginning of the user's message is also the question.
    """
    alone = _INSTRUCTION.findall(text)
    if alone and "<document>\n" not in text:
        rest = text[text.rfind("\n</instruction>") + 15 :]
        question = " ".join(alone[0].split()) if len(alone) == 1 else None
        return Prompt(text, read_document("\n\n".join(alone)), rest, question, 0)
    start = text.find("<document>\n")
    end = text.rfind("\n</document>")
    if start < 0 or end < start:
        inner, instruction, prefix = text, text, 0
    else:
        inner, instruction, prefix = text[start + 11 : end], text[end + 12 :], end + 12
    at = 0 if instruction.startswith("Question: ") else instruction.find("\nQuestion: ") + 1
    asked = at > 0 or instruction.startswith("Question: ")
    question = instruction[at + 10 :].split("\n", 1)[0].strip() if asked else None
    return Prompt(text, read_document(inner), instruction, question, prefix)


@lru_cache(maxsize=8192)
def _weighty(sentence: str) -> tuple[str, ...]:
    """The words of a sentence, those that tell it from others (figures, names, long words) first."""
    words = list(dict.fromkeys(word.strip(_EDGES) for word in sentence.split()))
    weight = {w: (3 if any(map(str.isdigit, w)) else 2 if w[:1].isupper() else 0) + len(w) / 10 for w in words if w}
    return tuple(sorted(weight, key=lambda word: -weight[word])) or (sentence[:40],)


def word_question(document: Document, number: int, evolved: bool = False) -> str:
    """The `number`-th question: every sentence once, then again from other words of it, and so on.

    Evolved ones are worded differently, so that they meet no original question.
    """
    variant, index = divmod(number, len(document.sentences))
    sentence = document.sentences[index]
    weighty = _weighty(sentence)
    take = min(9, max(3, len(weighty) * 2 // 3), len(weighty))
    chosen = {weighty[(variant * take + i) % len(weighty)] for i in range(take)}
    order = {word: sentence.find(word) for word in chosen}
    topic = cut(" ".join(sorted(chosen, key=lambda word: (order[word], word))), 200)
    if variant > 8:
        topic = f"{topic} ({variant})"
    wordings = (_EVOLVED if evolved else _WORDINGS)[document.language]
    return wordings[variant % len(wordings)].format(topic)


def topic_of(sentence: str) -> str:
    """Its weightiest word or two that stand side by side in it, verbatim."""
    words = sentence.split()
    heaviest = _weighty(sentence)[0]
    place = next((i for i, word in enumerate(words) if heaviest in word), 0)
    return " ".join(words[place : place + 2]).strip(_EDGES) or heaviest


def best_sentence(document: Document, question: str) -> int:
    """The index of the sentence that shares the most words with the question."""
    asked = words_of(question)
    overlap = [len(asked & words) / (8 + len(words)) for words in document.words]
    return overlap.index(max(overlap))


def reworded(document: Document, sentence: str, seed: int) -> str:
    """The sentence behind one of a few openings that add no fact."""
    prefixes = _PREFIXES[document.language]
    return prefixes[seed % len(prefixes)] + " ".join(sentence.split())
