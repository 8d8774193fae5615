# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The CoRE Link Format, which says what resources there are: RFC 6690 section 2. Read and written as octets.

    for target, attributes in links(answer.payload):
        if b"temperature" in attributes.get(b"rt", b"").split():
            print(str(target, "utf-8"))

What is read is a peer's: coap.compat.printable before it is shown.
"""
from collections.abc import Iterator
from typing import Final
from .._contracts import Octets
FORMAT: Final = 40
def links(octets: Octets) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    """Yield (target, attributes) for each link in a document, one at a time, so that a long one takes no more memory
    than a short one.

    The target is as it stands between < and >. Attributes are {name: value} with names in small letters; one without
    a value has b"". Of those that come twice in a link the first one counts (section 2). A document
    without any link is empty.

    Raise ValueError that names the place, counted in octets from 0, for what is no link format, and for a link with
    more than 32 attributes; the links before it have been given by then.
    """
def link(target: str, attributes: dict[str, object]) -> bytes:
    """Return one link as it stands in a document; join several with b",".

    `target` is a URI or its path, percent-encoded. A value that is True says that the attribute has none, None and
    False leave it out, a number stands as it is, a list or tuple becomes its items with blanks between them, and all
    else is text in quotes. Raise ValueError where a name or the target can't be said.
    """
def text(value: object) -> str:
    """Return the value of an attribute as text: a list or tuple with blanks between its items, True as nothing."""
