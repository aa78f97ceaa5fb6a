"""Pictures: matplotlib figures, one function each. They need the `plots` extra."""
