"""A model as a JavaScript module: what it consists of as plain data, and `runtime/`, which predicts with that."""
