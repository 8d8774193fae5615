# SPDX-License-Identifier: MIT
"""Values on their way into PostgreSQL and out of it.

PostgreSQL takes no NUL in text, and devices may send one: it goes in as two other characters, and comes out as it was.
"""

_MARK = "\x1a"
BYTEA, BOOL, FLOATS, INTEGERS, TEXTS = 17, 16, (700, 701), (20, 21, 23, 26), (25, 1043, 705, 19)


def _escaped(text):
    if "\0" in text or _MARK in text:
        return text.replace(_MARK, _MARK + "1").replace("\0", _MARK + "0")
    return text


def _unescaped(text):
    return text.replace(_MARK + "0", "\0").replace(_MARK + "1", _MARK)


def _text(value):
    if type(value) is str:
        if "\0" in value or _MARK in value:
            value = _escaped(value)
        return value.encode()
    if type(value) in (int, float):
        return repr(value).encode()
    if isinstance(value, str):
        return _escaped(str(value)).encode()
    raise TypeError("%s is no text" % type(value).__name__)


def _integer(value):
    if type(value) is int:
        return b"%d" % value
    if isinstance(
        value, str
    ):  # what is set aside has its key as text, which the other engine takes for the number
        if value.isascii() and value.isdigit():
            return value.encode()
        raise TypeError("%r is no whole number" % (value,))
    if value == int(value):
        return b"%d" % int(value)
    raise TypeError("%r is no whole number" % (value,))


def _float(value):
    return repr(float(value)).encode()


def _bool(value):
    return b"t" if value else b"f"


def _list(values):
    parts = []
    for value in values:
        if value is None:
            parts.append("NULL")
        elif isinstance(value, bytes):
            parts.append('"\\\\x%s"' % value.hex())
        elif isinstance(value, str):
            parts.append('"%s"' % _escaped(value).replace("\\", "\\\\").replace('"', '\\"'))
        else:
            parts.append(str(int(value)) if isinstance(value, bool) else repr(value))
    return ("{%s}" % ",".join(parts)).encode()


def encoder_of(oid):
    """(what makes a parameter of this type from a value, its format)"""
    if oid == BYTEA:
        return bytes, 1
    if oid == BOOL:
        return _bool, 0
    if oid in INTEGERS:
        return _integer, 0
    if oid in FLOATS:
        return _float, 0
    return _either, 0


def _either(value):
    return _list(value) if type(value) in (list, tuple) else _text(value)


def restored(rows, columns):
    """The rows, with what was escaped in these columns of text as it was."""
    for at, row in enumerate(rows):
        for column in columns:
            value = row[column]
            if value is not None and _MARK in value:
                rows[at] = tuple(
                    _unescaped(each) if index in columns and each is not None else each
                    for index, each in enumerate(row)
                )
                break
    return rows
