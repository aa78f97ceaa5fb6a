"""Recording: weights, gradients and activations kept while a network learns."""
