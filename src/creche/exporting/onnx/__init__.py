"""ONNX: a model as one graph, one module for each part of it."""
