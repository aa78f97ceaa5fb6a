"""Models and ensembles: predicting, evaluating, provenance, saving and loading."""
