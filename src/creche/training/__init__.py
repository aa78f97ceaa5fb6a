"""Training: a plan carried out on a table, kept, resumed and verified."""
