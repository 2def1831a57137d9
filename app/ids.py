"""Random public ids: a prefix that tells the kind, and 130 bits that tell nothing."""

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new(prefix: str) -> str:
    """`new("crp")` -> "crp_" and 26 random base-32 characters."""
    return prefix + "_" + "".join(secrets.choice(_ALPHABET) for _ in range(26))
