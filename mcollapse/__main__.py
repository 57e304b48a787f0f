"""`python -m mcollapse`, the command line where no script is on the path."""

from mcollapse.cli import main

main()
