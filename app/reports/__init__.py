"""What a dataset is like, in numbers and in one page; and what its text costs in tokens."""
