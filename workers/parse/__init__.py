"""One stored file in, its text with page and heading offsets out, through a jailed process."""

from workers.parse.failure import REASONS, ParseFailed, Reason
from workers.parse.jail import Jail

__all__ = ["REASONS", "Jail", "ParseFailed", "Reason"]
