"""Serving models over HTTP: what requests may hold, how they are answered, and the server that does it."""
