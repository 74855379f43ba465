"""One module a command; ``pipeline.cli`` loads them when they are called."""
