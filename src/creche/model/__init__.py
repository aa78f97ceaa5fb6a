"""Models: what predicts, judges itself, explains where it comes from, and goes to a file and back."""
