"""Rendering: documents of plain sections as text and as HTML."""
