"""The web server of the studio: Starlette's application, who may use it, and how it starts and ends."""
