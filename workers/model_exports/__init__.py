"""Makes the files of exported models: an adapter with its card, or weights merged into the base by a child process."""
