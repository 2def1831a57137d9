"""Bad bodies a model server may send with status 200: as the message's content, or in place of the whole body."""

import json
from typing import Any

_HTML = "<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_FIVE_MB = 5 * 1024 * 1024

CONTENTS: dict[str, str | None] = {
    "empty": "",
    "null_content": None,
    "space": " ",
    "whitespace_5mb": "\n" * _FIVE_MB,
    "whitespace_after_prefix": '{"questions": [' + " \n" * 20_000,
    "open_brace": "{",
    "cut_in_key": '{"quest',
    "cut_in_string": '{"question": "When does the',
    "cut_in_escape": '{"answer": "caf\\u00',
    "two_objects": '{"answer": "one"}{"answer": "two"}',
    "single_quotes": "{'answer': 'yes', 'quote': 'yes'}",
    "trailing_comma": '{"answer": "yes",}',
    "comment": '{"answer": "yes" /* sure */}',
    "fence_unclosed": '```json\n{"answer": "yes"',
    "prose": "Sure! Here is the JSON you asked for:",
    "python_dict": "{'score': None, 'answerable': True}",
    "number": "42",
    "string": '"just a string"',
    "null": "null",
    "true": "true",
    "array": "[1, 2, 3]",
    "empty_object": "{}",
    "empty_array": "[]",
    "other_shape": '{"result": {"data": [{"id": 1}]}}',
    "wrong_types": '{"question": 7, "questions": "one", "quote": [], "answer": {}, "reason": 0, "score": "high"}',
    "out_of_range": '{"reason": "x", "score": 99, "faithfulness": -1, "answerability": 6, "usefulness": 1000000000000}',
    "blank_fields": '{"question": "", "questions": ["", " "], "quote": "", "answer": " ", "reason": ""}',
    "nan": '{"reason": "x", "score": NaN, "faithfulness": NaN, "answerability": Infinity, "usefulness": -Infinity}',
    "huge_number": '{"reason": "x", "score": 1e999, "faithfulness": ' + "9" * 5000 + "}",
    "nul_characters": '{"answer": "a\x00b", "quote": "\x00", "question": "\x00?", "questions": ["\x00"]}',
    "nul_escapes": '{"answer": "a\\u0000b", "quote": "\\u0000", "question": "\\u0000?", "questions": ["\\u0000"]}',
    "surrogate_escapes": '{"answer": "\\ud83d", "quote": "\\udc00", "question": "\\ud800?", "questions": ["\\ud83d"]}',
    "surrogate_characters": '{"answer": "\ud83d and \udc00"}',
    "control_characters": '{"answer": "\x01\x02\x1b[31m\x7f"}',
    "bidi_override": '{"answer": "\u202egnp.exe\u202c", "quote": "\u2066x\u2069", "question": "\u202e?"}',
    "deep_nesting": "[" * 20_000 + "]" * 20_000,
    "deep_objects": '{"answer":' * 5_000 + "1" + "}" * 5_000,
    "repeated_keys": '{"answer": "one", "answer": "two", "answer": 3}',
    "long_string": '{"answer": "' + "la " * 100_000 + '"}',
    "chinese": '{"question": "这是什么？", "questions": ["这是什么？"], "quote": "没有", "answer": "不知道"}',
    "html_as_content": _HTML,
    "replacement_characters": '{"answer": "\ufffd\ufffd\ufffd\ufffd"}',
    "chat_template_leak": '<|im_start|>assistant\n{"answer": "yes"}<|im_end|>',
    "thinking": "<think>The user wants JSON. Let me think about what to",
}

BODIES: dict[str, tuple[bytes, str]] = {
    "html_page": (_HTML.encode(), "text/html"),
    "no_body": (b"", "application/json"),
    "not_json": (b"Internal Server Error", "text/plain"),
    "half_a_body": (b'{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"mess', "application/json"),
    "no_choices": (b'{"id":"chatcmpl-1","object":"chat.completion"}', "application/json"),
    "empty_choices": (b'{"id":"chatcmpl-1","object":"chat.completion","choices":[]}', "application/json"),
    "choice_of_null": (b'{"id":"chatcmpl-1","choices":[null],"usage":null}', "application/json"),
    "error_with_200": (b'{"error":{"message":"EngineDeadError","type":"Internal","code":500}}', "application/json"),
    "not_utf8": (b'{"choices":[{"message":{"content":"\xff\xfe\xc3\x28"}}]}', "application/json"),
    "json_array": (b"[]", "application/json"),
    "body_whitespace_5mb": (b" " * _FIVE_MB, "application/json"),
    "nan_in_envelope": (b'{"choices":[{"message":{"content":"x"}}],"created":NaN}', "application/json"),
}

NAMES: tuple[str, ...] = (*CONTENTS, *BODIES)


def encode(envelope: dict[str, Any]) -> bytes:
    """The envelope as JSON. The standard encoder, because it also writes lone surrogates, as escapes."""
    return json.dumps(envelope).encode()
