"""Exports as their real readers take them: `datasets`, TRL, DuckDB, and the documented rules of those we cannot run."""
