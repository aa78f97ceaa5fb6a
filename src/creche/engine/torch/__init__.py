"""The engine on PyTorch: the same plans on a GPU, with the face of the compiled runs. Only it imports torch."""
