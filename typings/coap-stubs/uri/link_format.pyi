# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The CoRE Link Format, which says what resources there are: RFC 6690 section 2. Read as octets;
`coap.aio.site.links` writes it.

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
