# SPDX-License-Identifier: MIT
"""Links as a server says them in `/.well-known/core`: RFC 6690 section 2. `coap.uri.link_format` reads them."""


def link(target: str, attributes: "dict[str, object]") -> bytes:
    """Return one link as it stands in a document; join several with b",".

    `target` is a URI or its path, percent-encoded. A value that is True says that the attribute has none, None and
    False leave it out, a number stands as it is, a list or tuple becomes its items with blanks between them, and all
    else is text in quotes. Raise ValueError where a name or the target can't be said.
    """
    if ">" in target or "<" in target:
        raise ValueError("target %r: < and > must be percent-encoded" % target)
    data = bytearray(("<%s>" % target).encode())
    for name in sorted(attributes):  # the same link on each interpreter: a dict of MicroPython has no order
        value = attributes[name]
        if not name or [octet for octet in name.encode() if octet <= 0x20 or octet in b'"=;,<>\\']:
            raise ValueError("attribute %r: no name of a link attribute (RFC 6690 section 2)" % name)
        if value is None or value is False:
            continue
        data += b";" + name.encode()
        if value is True:
            continue
        data += b"="
        if isinstance(value, int):
            data += b"%d" % value
        else:
            data += b'"' + _escaped(text(value)) + b'"'
    return bytes(data)


def text(value: object) -> str:
    """Return the value of an attribute as text: a list or tuple with blanks between its items, True as nothing."""
    if isinstance(value, (list, tuple)):
        return " ".join([str(item) for item in value])
    return "" if value is True else str(value)


def _escaped(text):
    return text.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')
