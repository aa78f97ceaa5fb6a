"""The studio: a live page in which a network learns, on the user's own table.

`protocol/` is what page and server say to each other.
"""
