"""`python -m cvxtoken.cli`."""

from cvxtoken.cli import main

main()
