"""Training runs: what one is asked to do, and what it says of itself."""
