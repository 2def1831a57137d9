"""Bundles: a ZIP with the rows and all that belongs to them, as a trainer or a hub takes them. Memory stays small."""

from workers.bundles.pack import pack

__all__ = ["pack"]
