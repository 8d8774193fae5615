# SPDX-License-Identifier: MIT
"""What a `payload` member says: text as it is, octets as an RFC 2397 data URI.

3GPP defines no binary coding of the JSON string (TS 24.538 clause 7.3.4.1). Here octets travel as
`data:;base64,<base64>`; text that begins like that is itself sent as octets, so the reading is always unique.
"""

import base64
import binascii

HEAD = "data:;base64,"


def is_octets(value):
    return value.startswith(HEAD)


def from_octets(octets):
    return HEAD + base64.b64encode(octets).decode("ascii")


def from_text(text):
    """Text as it is, or as octets where it could be taken for a data URI."""
    return from_octets(text.encode()) if is_octets(text) else text


def to_octets(value):
    """Octets of a data URI, or of bare base64. ValueError when it is neither."""
    try:
        return base64.b64decode(value.removeprefix(HEAD), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64 after %s" % HEAD) from error


def size(value):
    """Octets of the value in UTF-8, the data URI's head included: what segment sizes count."""
    return len(value.encode())


def content_size(value):
    """Octets of what the value says: of the text, or of the octets behind the base64."""
    if not is_octets(value):
        return size(value)
    return (len(value) - len(HEAD)) * 3 // 4 - value[-2:].count("=")


def to_plain(value):
    """The octets that L3 carries of a value."""
    return to_octets(value) if is_octets(value) else value.encode()


def from_plain(octets):
    """L3 octets as a value: printable UTF-8 is text, all else octets (L3 does not say which it is)."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return from_octets(octets)
    if all(character.isprintable() or character in "\t\r\n" for character in text):
        return from_text(text)
    return from_octets(octets)
