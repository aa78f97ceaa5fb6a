"""Readers: files, streams, DataFrames and plain data as tables."""
