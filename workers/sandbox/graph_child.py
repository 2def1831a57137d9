"""The walled-in side of building a graph: files that nobody has looked into become nodes, edges and statements."""

import re
from pathlib import Path, PurePath
from typing import Any

from workers.parse import encoding
from workers.sandbox.graph_read import Fault, read
from workers.sandbox.warm_child import Handler, serve

SCRIPTS = (".cypher", ".cql")
_PIECES = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|/\*.*?\*/|//[^\n]*|;", re.S)


def prepare(setup: Any, _: bytes) -> Handler:
    """A request names the files and where they lie; the reply is what stands in them, or whose fault it is."""

    def build(request: Any) -> Any:
        nodes, edges, statements, faults = [], [], [], {}
        for name, path in request["files"]:
            try:
                text, _ = encoding.decode(Path(path).read_bytes())
                text = text.lstrip("\ufeff")
                if PurePath(name).suffix.lower() in SCRIPTS:
                    statements += [[name, statement] for statement in split(text)]
                    continue
                more_nodes, more_edges = read(name, text)
                nodes += more_nodes
                edges += more_edges
            except Fault as fault:
                faults[name] = str(fault)
        return {"faults": faults} if faults else {"nodes": nodes, "edges": edges, "statements": statements}

    return build


def split(text: str) -> list[str]:
    """Statements of a script, without comments and without the semicolons between them."""
    found, start, current = [], 0, ""
    for piece in _PIECES.finditer(text):
        current += text[start : piece.start()]
        start = piece.end()
        if piece.group() == ";":
            found.append(current.strip())
            current = ""
        elif not piece.group().startswith("/"):
            current += piece.group()
    found.append((current + text[start:]).strip())
    return [statement for statement in found if statement]


if __name__ == "__main__":
    serve(prepare)
