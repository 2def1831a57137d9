"""Why a document could not be turned into text, in one word and one sentence."""

from typing import Literal, get_args

Reason = Literal[
    "unsupported_type",
    "encrypted",
    "corrupt",
    "empty",
    "parse_timeout",
    "parse_oom",
    "parse_crash",
    "too_large_text",
    "blob_missing",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class ParseFailed(Exception):
    """`reason` is one of REASONS; `detail` is a sentence for the owner of the document, free of paths and traces."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail
