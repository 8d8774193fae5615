# SPDX-License-Identifier: MIT
"""What few JSON texts have: escaped surrogate pairs, many brackets. Imported by `compat` with the first of them."""


def depth_behind(octets, depth, most):
    """Return how deep brackets nest behind `octets`, before which they are `depth` deep. Raise ValueError where that is
    more than `most`."""
    for octet in octets:
        if octet in b"[{":
            depth += 1
            if depth > most:
                raise ValueError("JSON is nested too deeply")
        elif octet in b"]}":
            depth -= 1
    return depth


def join_surrogates(text):
    """Return a JSON text with the character in the place of each escaped surrogate pair. Raise ValueError where half of
    one stands alone."""
    # MicroPython's json turns each half of an escaped surrogate pair into octets that are not UTF-8,
    # so the pairs are replaced by their character beforehand and a lone half is refused.
    parts = []
    start = position = 0
    while (position := text.find("\\", position)) >= 0:
        if not text.startswith("u", position + 1):
            position += 2
            continue
        high = int(text[position + 2 : position + 6], 16)
        if not 0xD800 <= high < 0xE000:
            position += 6
            continue
        end = position + 12
        low = int(text[position + 8 : end], 16) if text.startswith("\\u", position + 6) else 0
        if high >= 0xDC00 or not 0xDC00 <= low < 0xE000:
            raise ValueError("half of a surrogate pair")
        parts.append(text[start:position])
        code = (high << 10) + low - ((0xD800 << 10) + 0xDC00 - 0x10000)
        # not chr(): see `compat.printable`
        octets = bytes((0xF0 | code >> 18, 0x80 | code >> 12 & 63, 0x80 | code >> 6 & 63, 0x80 | code & 63))
        parts.append(str(octets, "utf-8"))
        start = position = end
    parts.append(text[start:])
    return "".join(parts)
