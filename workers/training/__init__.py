"""Training runs: a child process that trains, and its keeper's side. Torch is loaded in the child alone."""
