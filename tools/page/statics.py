# SPDX-License-Identifier: MIT
"""The files of the page, `static/` beside this file: a table that is read once, so that no path leads anywhere else."""

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("static")
PAGE = "page.html"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
# What a page of ours may do: load its own files, ask its own origin.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Static(NamedTuple):
    """One file."""

    octets: bytes
    type: str
    tag: str  # an entity tag of RFC 9110 section 8.8.3, without its quotation marks


@functools.cache
def files(folder=FOLDER):
    """{name: Static} of what is there when it is asked for first; what has no type of ours is not served."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in TYPES and path.is_file():
            octets = path.read_bytes()
            tag = hashlib.sha256(octets).hexdigest()[:16]
            found[path.name] = Static(octets, TYPES[path.suffix], tag)
    return found
