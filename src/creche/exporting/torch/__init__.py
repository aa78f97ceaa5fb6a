"""A model as modules of PyTorch; what is outside the package imports it only where torch is needed."""
