"""Which weights change, one file a variant."""
