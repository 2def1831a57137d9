"""How much of the documents a dataset's rows rest on, and whether every source can still be found."""
