"""How well Creche and its peers predict on real tables: the same splits, metrics, and statistics of the comparison."""
