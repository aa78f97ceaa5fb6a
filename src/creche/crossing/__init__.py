"""Cross-validation: the folds, the networks that are trained on them, and what came of it."""
