"""The protocol of the studio: what the page and a session say to each other.

`requests` are what the page asks for, `views` what a session answers and pushes; `frames` writes both as bytes. The
dataclasses are the one schema: `tools/studio_protocol.py` writes the page's types and the reference of the protocol
from them.
"""
