"""`python cvxtoken/verifier FILE`, or `python -m cvxtoken.verifier FILE`: checks a proof of any kind."""

if __package__:
    from cvxtoken.verifier.allocation import script
    from cvxtoken.verifier.kinds import check
else:  # run as a folder, without the package
    from allocation import script  # type: ignore[import-not-found, no-redef]
    from kinds import check  # type: ignore[import-not-found, no-redef]

script(check)
