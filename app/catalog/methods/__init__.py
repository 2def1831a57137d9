"""What is learnt, one file a method."""
