"""`python -m lianpu`."""

from lianpu.cli import main

main()
