# SPDX-License-Identifier: MIT
"""What few JSON texts have: escaped surrogate pairs, many brackets. Imported by `compat` with the first of them."""


def depth_behind(octets, depth, deepest):
    """Return how deep brackets nest behind `octets`, before which they are `depth` deep. Raise ValueError where that is
    more than `deepest`."""
    for octet in octets:
        if octet == 0x5B or octet == 0x7B:
            depth += 1
            if depth > deepest:
                raise ValueError("JSON is nested too deeply")
        elif octet == 0x5D or octet == 0x7D:
            depth -= 1
    return depth


def join_surrogates(text):
    """Return a JSON text with the character in the place of each escaped surrogate pair. Raise ValueError where half of
    one stands alone."""
    # MicroPython's json turns each half of an escaped surrogate pair into octets that are not UTF-8,
    # so the pairs are replaced by their character beforehand and a lone half is refused.
    parts = []
    start = position = 0
    while True:
        position = text.find("\\", position)
        if position < 0:
            break
        if text[position + 1 : position + 2] != "u":
            position += 2
            continue
        high = int(text[position + 2 : position + 6], 16)
        if not 0xD800 <= high < 0xE000:
            position += 6
            continue
        if text[position + 6 : position + 8] != "\\u":
            raise ValueError("half of a surrogate pair")
        low = int(text[position + 8 : position + 12], 16)
        if high >= 0xDC00 or not 0xDC00 <= low < 0xE000:
            raise ValueError("half of a surrogate pair")
        parts.append(text[start:position])
        code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        # not chr(): see `compat.printable`
        octets = bytes((0xF0 | code >> 18, 0x80 | code >> 12 & 63, 0x80 | code >> 6 & 63, 0x80 | code & 63))
        parts.append(str(octets, "utf-8"))
        start = position = position + 12
    parts.append(text[start:])
    return "".join(parts)
