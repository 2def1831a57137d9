"""The version of this installation; it stands in pyproject.toml and nowhere else."""

from importlib.metadata import version

VERSION = version("corpusmith")
