"""Tools that users bring for models to call: read, checked, and written in one form."""
