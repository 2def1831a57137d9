"""Exams: what a training gained, measured before and after, and what it cost elsewhere."""
