"""Exports of trained models: the adapter, or weights merged into the base, each with its card."""
