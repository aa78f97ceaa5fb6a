"""The documentation site: `python -m tools.site` executes every page of docs/ and builds it, with its references."""
