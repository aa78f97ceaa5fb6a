"""Training a network on a table: runs, recordings, checkpoints, plan files and verification."""
