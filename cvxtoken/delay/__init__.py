"""How long queries take under load: one delay law a file, and the registry of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cvxtoken.delay.fifo import Fifo
from cvxtoken.delay.law import Law, Server
from cvxtoken.delay.sharing import Sharing
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest

SERVERS: dict[str, type[Server]] = {server.kind: server for server in (Fifo, Sharing)}

__all__ = ["SERVERS", "Fifo", "Law", "Server", "Sharing", "read_server"]


def read_server(document: Any) -> Server:
    """The server of a parsed `[server]` table: `kind`, and the parameters of that kind by name.

    Raises:
        ProblemError: not a table, no kind or an unknown one, or a parameter is unknown, missing or breaks its
            rule.
    """
    if not isinstance(document, dict):
        raise ProblemError(f"server is {document!r}; it must be a table with a kind")
    values = dict(document)
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in SERVERS:
        hint = nearest(str(kind), SERVERS)
        raise ProblemError(f"kind of server is {kind!r}; it must be one of {', '.join(SERVERS)}{hint}")
    known = [field.name for field in fields(SERVERS[kind])]  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise ProblemError(f"server: {name!r} is not a known key of {kind!r}{nearest(str(name), known)}")
    try:
        return SERVERS[kind](**values)
    except TypeError as error:
        raise ProblemError(f"server of kind {kind!r}: sigma is missing") from error
