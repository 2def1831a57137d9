"""Read one uploaded record: Alpaca, ShareGPT, chat messages, or prompt and completion."""

from dataclasses import dataclass
from typing import Any

from workers.parse.cleaning import clean

LONGEST = 4_000  # characters; longer ones do not fit beside their evolved form

_USER = frozenset({"user", "human"})
_ASSISTANT = frozenset({"assistant", "gpt", "model", "bot", "chatgpt"})


@dataclass(frozen=True, slots=True)
class Instruction:
    """What was asked, the input it works on included, and the answer if there was one."""

    text: str
    answer: str = ""


def read(record: Any) -> Instruction | str:
    """The instruction of a record, or why it has none. Of a conversation: the first request and the reply to it."""
    if not isinstance(record, dict):
        return "it is no object"
    talk = record.get("messages") or record.get("conversations")
    if talk is None and isinstance(record.get("prompt"), list):
        completion = record.get("completion")
        talk = record["prompt"] + (completion if isinstance(completion, list) else [])
    if talk is not None:
        found = _of_talk(talk)
    else:
        asked = _text(record.get("instruction")) or _text(record.get("prompt"))
        work_on = _text(record.get("input"))
        answer = next(filter(None, (_text(record.get(name)) for name in ("output", "response", "completion"))), "")
        found = Instruction(f"{asked}\n\n{work_on}" if asked and work_on else asked, answer)
    if not found.text:
        return "it holds no instruction"
    if len(found.text) > LONGEST:
        return f"its instruction is longer than {LONGEST:,} characters"
    return found


def _of_talk(talk: Any) -> Instruction:
    turns = [turn for turn in talk if isinstance(turn, dict)] if isinstance(talk, list) else []
    said = [(str(turn.get("role", turn.get("from"))), _text(turn.get("content", turn.get("value")))) for turn in turns]
    at = next((i for i, (who, text) in enumerate(said) if who in _USER and text), None)
    if at is None:
        return Instruction("")
    reply = said[at + 1] if at + 1 < len(said) else ("", "")
    return Instruction(said[at][1], reply[1] if reply[0] in _ASSISTANT else "")


def _text(value: Any) -> str:
    """A string, or the text parts of a message's content, cleaned as documents are."""
    if isinstance(value, list):
        value = "\n".join(
            part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return clean(value).strip() if isinstance(value, str) else ""
