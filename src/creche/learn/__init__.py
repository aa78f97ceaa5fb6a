"""A chapter on training, step by step, on a table: `lesson` computes its numbers, the other modules tell the steps."""
