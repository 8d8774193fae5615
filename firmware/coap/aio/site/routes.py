# SPDX-License-Identifier: MIT
"""Which handler a path has. A path is a list of Uri-Path options, not a text: an option "a/b" is one segment."""

from ... import numbers
from ...compat import const
from ...uri import path_options

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable, Sequence
    from typing import Any

# What a segment of a pattern can be, the most exact first
_LITERAL = const(0)
_INT = const(1)
_NAME = const(2)
_ANY = const(3)
_PATH = const(4)
_KINDS = {"int": _INT, "": _NAME, "any": _ANY, "path": _PATH}


class Route:
    """A pattern, the methods that it is for, its handler, and what else Site.route was told about it."""

    consumes: "Any" = None
    etag: "Any" = None
    observe = False
    stream: "Any" = False
    listed: "Any" = True
    attributes: "Any" = {}  # none, and never changed

    def __init__(self, pattern: str, methods: "Sequence[int]", handler: "Callable[..., Any]") -> None:
        for code in methods:
            if not isinstance(code, int) or not numbers.is_request(code):
                raise ValueError("methods: %r is none, such as coap.GET" % (code,))
        self.pattern = pattern
        self.methods = methods
        self.handler = handler
        self.segments = _segments(pattern)
        self.order = bytes([kind for kind, _ in self.segments])

    def shape(self) -> "Any":
        """Return what two routes have in common that are for the same paths."""
        return [(kind, name if kind == _LITERAL else None) for kind, name in self.segments]

    def is_exact(self) -> bool:
        """Return whether it is for one path, and no pattern."""
        return not self.order.strip(b"\x00")

    def captured(self, path: "Sequence[bytes]") -> "dict[str, Any] | None":
        """Return what the path has in the place of <NAME>, {name: str or int}; None where the pattern is not for it."""
        segments = self.segments
        open_ended = self.order[-1:] == bytes((_PATH,))
        if len(path) != len(segments) and not (open_ended and len(path) > len(segments)):
            return None
        captures: dict[str, Any] = {}
        for index, (kind, name) in enumerate(segments):
            value = path[index]
            if kind == _LITERAL:
                if value != name:
                    return None
            elif kind == _INT:
                if not value or value.strip(b"0123456789"):
                    return None
                captures[name] = int(value)
            elif kind == _ANY:
                captures[name] = str(value, "utf-8")
            else:
                # Handlers name files by it: an option with "/" in it would look like two, an empty one at the
                # beginning like the root, and with a NUL in it MicroPython opens what stands before that
                rest = path[index:] if kind == _PATH else (value,)
                if not value or [each for each in rest if b"/" in each or b"\0" in each]:
                    return None
                captures[name] = str(b"/".join(rest), "utf-8")
        return captures


def path_of(message: "Any") -> "list[bytes] | None":
    """Return the Uri-Path options of a request; None where one is "." or "..", which no Uri-Path may be (RFC 7252
    section 5.10.1), or is not UTF-8: no resource has such a name."""
    path = []
    for number, value in message.options:
        if number == numbers.URI_PATH:
            if value == b"." or value == b"..":
                return None
            try:
                str(value, "utf-8")
            except UnicodeError:
                return None
            path.append(value)
    return path


def _segments(pattern):
    """Return (kind, octets or name) for each segment. Raise ValueError that names the part."""
    parts = pattern.split("/")
    if parts[0] or len(parts) < 2:
        raise ValueError("pattern %r must begin with /" % pattern)
    segments = []
    names = []
    for index, part in enumerate(parts[1:] if pattern != "/" else ()):
        if not (part.startswith("<") and part.endswith(">")):
            if "<" in part or ">" in part:
                raise ValueError("pattern %r: <NAME> is a whole segment, not a part of %r" % (pattern, part))
            options = path_options("/" + part) or [(numbers.URI_PATH, b"")]
            if len(options) > 1:
                raise ValueError("pattern %r has no query: a handler finds it in request.query" % pattern)
            segments.append((_LITERAL, options[0][1]))
            continue
        kind, colon, name = part[1:-1].rpartition(":")
        if kind not in _KINDS or not name or colon and not kind:
            raise ValueError(
                "pattern %r: %s is none of <NAME>, <int:NAME>, <any:NAME>, <path:NAME>" % (pattern, part)
            )
        if name in names or name == "request":
            raise ValueError("pattern %r: a second %r" % (pattern, name))
        if kind == "path" and index != len(parts) - 2:
            raise ValueError("pattern %r: <path:%s> must be the last segment" % (pattern, name))
        names.append(name)
        segments.append((_KINDS[kind], name))
    return segments
