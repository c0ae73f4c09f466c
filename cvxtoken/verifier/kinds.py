"""All kinds of proof: each is told by its schema and has a checker, a script of its own."""

from typing import Any

if __package__:
    from cvxtoken.verifier import (
        allocation,
        conic,
        constrained,
        lagged,
        pooled,
        robust,
        schedule,
        stopping,
        whole,
    )
else:  # run in its folder, without the package
    import allocation  # type: ignore[import-not-found, no-redef]
    import conic  # type: ignore[import-not-found, no-redef]
    import constrained  # type: ignore[import-not-found, no-redef]
    import lagged  # type: ignore[import-not-found, no-redef]
    import pooled  # type: ignore[import-not-found, no-redef]
    import robust  # type: ignore[import-not-found, no-redef]
    import schedule  # type: ignore[import-not-found, no-redef]
    import stopping  # type: ignore[import-not-found, no-redef]
    import whole  # type: ignore[import-not-found, no-redef]


def check(document: Any) -> str:
    """The line that states what a parsed proof of any kind proves; raises Refused where it does not."""
    schema = document.get("schema") if isinstance(document, dict) else None
    others = (whole, conic, constrained, lagged, pooled, robust, schedule, stopping)
    line: str = next((kind for kind in others if schema == kind.SCHEMA), allocation).check(document)
    return line
