# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Links as a server says them in `/.well-known/core`: RFC 6690 section 2. `coap.uri.link_format` reads them."""
def link(target: str, attributes: dict[str, object]) -> bytes:
    """Return one link as it stands in a document; join several with b",".

    `target` is a URI or its path, percent-encoded. A value that is True says that the attribute has none, None and
    False leave it out, a number stands as it is, a list or tuple becomes its items with blanks between them, and all
    else is text in quotes. Raise ValueError where a name or the target can't be said.
    """
def text(value: object) -> str:
    """Return the value of an attribute as text: a list or tuple with blanks between its items, True as nothing."""
