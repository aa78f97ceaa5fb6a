"""The colony: many networks trained at once, to compare, to choose among, and to let the best speak together."""
