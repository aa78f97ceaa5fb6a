"""Encoders: one file for each way in which a column becomes inputs of the network."""
