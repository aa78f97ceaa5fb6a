"""The pages that commands print, one module a subject."""
