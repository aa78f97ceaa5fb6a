"""Fitting: the best model for a table within a budget, from many networks on folds of its rows."""
