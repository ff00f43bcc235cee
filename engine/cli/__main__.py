"""`python -m engine.cli` is `fleet`."""

from engine.cli import main

main()
