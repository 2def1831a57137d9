"""Credentials by the shapes their issuers publish, keys in PEM, and what is written behind `password =`.

Own expressions: detect-secrets 1.5 (Apache-2.0, last release 2024) gives of a GitHub or GitLab token only its prefix,
so it could not be redacted, needs `requests`, and went through 1,200 lines a second.
"""

import re
from collections import Counter
from math import log2

from workers.select.findings import Found, Pattern, search


def _is_random(text: str) -> bool:
    """Neither a word nor a row of asterisks: 2.5 bits of entropy a character, and two kinds of characters."""
    counts = Counter(text)
    entropy = -sum(n / len(text) * log2(n / len(text)) for n in counts.values())
    kinds = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]", r"[^\w]"))
    return entropy >= 2.5 and kinds >= 2


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def _token(type_: str, shape: str) -> Pattern:
    """A token stands alone and has a digit: 20 letters behind `sk-` are the name of a package."""
    return Pattern(type_, re.compile(rf"(?<![\w-])(?:{shape})(?![\w-])"), _has_digit)


_PATTERNS = (
    Pattern(
        "PRIVATE_KEY",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?:[A-Za-z0-9+/=\s:,.]|-(?!----)){0,10000}-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    _token("AWS_ACCESS_KEY", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
    _token("GITHUB_TOKEN", r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"),
    _token("GITLAB_TOKEN", r"gl(?:pat|rt|dt|ptt|oas|cbt)-[A-Za-z0-9_-]{20,255}"),
    _token("SLACK_TOKEN", r"xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-\d-[A-Za-z0-9-]{10,255}"),
    Pattern("SLACK_WEBHOOK", re.compile(r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{20,100}")),
    _token("STRIPE_KEY", r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9]{32,64}"),
    _token("OPENAI_KEY", r"sk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]+-)?[A-Za-z0-9_-]{20,255}"),
    _token("GOOGLE_KEY", r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{20,255}"),
    _token("HUGGINGFACE_TOKEN", r"hf_[A-Za-z0-9]{30,60}"),
    _token("NPM_TOKEN", r"npm_[A-Za-z0-9]{36}"),
    _token("PYPI_TOKEN", r"pypi-[A-Za-z0-9_-]{50,255}"),
    _token("SENDGRID_KEY", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _token("TELEGRAM_TOKEN", r"\d{8,10}:AA[A-Za-z0-9_-]{33}"),
    _token("CORPUSMITH_KEY", r"csk_[A-Za-z0-9_-]{20,100}"),
    _token("JWT", r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,1000}"),
    Pattern("URL_PASSWORD", re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,100}:(?P<it>[^\s:/@]{3,200})@[^\s/]")),
    Pattern(
        "PASSWORD",
        re.compile(
            r"(?i)(?<![a-z])(?:[a-z]+[_-])?(?:password|passwd|passphrase|pwd|secret(?:[_ -]?(?:access[_ -]?)?key)?|"
            r"api[_ -]?key|access[_ -]?(?:key|token)|auth[_ -]?token|client[_ -]?secret|пароль|секретный ключ)"
            r"[\"'`]?\s{0,3}(?::=|=>|=|:|is|—)\s{0,3}[\"'`«]?(?P<it>[^\s\"'`»<>{}()\[\],;]{8,200})"
        ),
        _is_random,
    ),
)
# What each pattern needs somewhere, in two cheap looks: most rows have none of it. Substrings are the cheaper ones.
_HINTS = (
    "-----begin", "akia", "asia", "abia", "acca", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-",
    "glrt-", "gldt-", "glptt-", "gloas-", "glcbt-", "xox", "xapp-", "slack", "k_live_", "k_test_", "whsec_", "sk-",
    "aiza", "gocspx", "ya29", "hf_", "npm_", "pypi-", "sg.", ":aa", "csk_", "eyj", "://", "pass", "pwd", "secret",
    "key", "token", "пароль", "секретный",
)  # fmt: skip
_MAY_HOLD_SOME = re.compile(
    r"-----BEGIN|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]|gh[pousr]_|github_pat_|gl(?:pat|rt|dt|ptt|oas|cbt)-|xox|xapp-|slack|"
    r"k_(?:live|test)_|whsec_|sk-|AIza|GOCSPX|ya29|hf_|npm_|pypi-|SG\.|:AA|csk_|eyJ|://|(?i:pass|pwd|secret|"
    r"api[_ -]?key|access[_ -]?(?:key|token)|auth[_ -]?token|пароль|секретный)"
)


def may_hold(text: str) -> bool:
    """False: `find` finds nothing in any part of `text`."""
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS) and _MAY_HOLD_SOME.search(text) is not None


def find(text: str) -> list[Found]:
    """Credentials in `text`, in order."""
    return search(_PATTERNS, text) if may_hold(text) else []
