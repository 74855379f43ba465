"""``python -m pipeline`` is ``vane``."""

from pipeline.cli import main

main()
