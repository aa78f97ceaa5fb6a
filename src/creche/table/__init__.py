"""From a file or a DataFrame to the arrays the engine reads: read, check, split, encode."""
