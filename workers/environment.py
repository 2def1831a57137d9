"""The environment of a child that runs a model: neither database nor bucket, so not their keys either."""

import os

SECRET = ("CORPUSMITH_", "AWS_")


def without_secrets() -> dict[str, str]:
    """This process's, without what a child that needs only files must not see."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SECRET)}
