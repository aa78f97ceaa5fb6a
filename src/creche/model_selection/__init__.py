"""Model selection: sweeps, cross-validation and the search for a learning rate, in one colony."""
