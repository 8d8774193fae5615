# SPDX-License-Identifier: MIT
"""Which options count as recognized: RFC 7252 sections 5.4 and 5.10. Imported with the first message that has some."""

from ..compat import const
from ..message import Message

_TYPING = const(False)
if _TYPING:
    from collections.abc import Sequence

_BLOCK2 = const(23)
_BLOCK1 = const(27)
_TOO_LARGE = const(141)
# Rules of an option
_REPEATABLE = const(1)
_OF_REQUESTS = const(2)
_OF_RESPONSES = const(4)
_EVALUATED = const(8)
_LOW = const(60)  # the last whose number is its place there

# The options whose form is known here (RFC 7252 section 5.10), three octets for each number from 0 to 60, then those of
# 252, 258 and 292: rules, longest and shortest length. Rules: 1 repeatable, 2 of requests alone, 4 of responses alone,
# 8 not to be passed over: known where the application says that it evaluates it; 16 known at all. An option of another
# form is treated as unknown (sections 5.4, 5.4.1, 5.4.3, 5.4.5). Octets stay in a board's flash, a dict would not.
_FORMS = const(
    b"\0\0\0"
    b"\x1b\x08\x00"  # 1 If-Match
    b"\0\0\0"
    b"\x12\xff\x01"  # 3 Uri-Host
    b"\x11\x08\x01"  # 4 ETag
    b"\x1a\x00\x00"  # 5 If-None-Match
    b"\x10\x03\x00"  # 6 Observe
    b"\x12\x02\x00"  # 7 Uri-Port
    b"\x15\xff\x00"  # 8 Location-Path
    b"\0\0\0\0\0\0"
    b"\x13\xff\x00"  # 11 Uri-Path
    b"\x10\x02\x00"  # 12 Content-Format
    b"\0\0\0"
    b"\x14\x04\x00"  # 14 Max-Age
    b"\x13\xff\x00"  # 15 Uri-Query
    b"\x12\x01\x01"  # 16 Hop-Limit
    b"\x12\x02\x00"  # 17 Accept
    b"\0\0\0\0\0\0"
    b"\x15\xff\x00"  # 20 Location-Query
    b"\0\0\0\0\0\0"
    b"\x10\x03\x00"  # 23 Block2
    b"\0\0\0\0\0\0\0\0\0"
    b"\x10\x03\x00"  # 27 Block1
    b"\x10\x04\x00"  # 28 Size2
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\x10\x04\x00"  # 60 Size1
    b"\x10\x28\x01"  # 252 Echo
    b"\x12\x01\x00"  # 258 No-Response
    b"\x13\x08\x00"  # 292 Request-Tag
)


def has_blocks(message: Message) -> bool:
    """Return whether it has an option of RFC 7959, or asks for one (section 2.9.3)."""
    for number, _ in message.options:
        if number == _BLOCK1 or number == _BLOCK2:
            return True
    return message.code == _TOO_LARGE


def unrecognized(message: Message, blocks: int, understood: "Sequence[int]" = ()) -> int | None:
    """Return the number of a critical option that counts as unrecognized, or None (section 5.4.1): its number is
    not known, it is not for such a message (5.4), has a wrong length (5.4.3) or is repeated (5.4.5). Elective
    options for which one of the last three is true are removed from the message, as the same sections want.

    Block options are recognized where `blocks` is true; If-Match, If-None-Match and those that are not known here,
    where `understood` has their numbers.
    """
    if not message.options:
        return None
    seen = 0
    foreign = _OF_RESPONSES if 0 < message.code < 32 else _OF_REQUESTS
    for option in message.options:
        number, value = option
        place = 0  # the form of none
        if number <= _LOW:
            place = 3 * number
        elif number in (252, 258, 292):
            place = 3 * (_LOW + 1 + (252, 258, 292).index(number))
        rules = _FORMS[place]
        if rules:
            if (
                not _FORMS[place + 2] <= len(value) <= _FORMS[place + 1]
                or rules & foreign
                or (number == seen and not rules & _REPEATABLE)  # equal numbers stand side by side
                or (not blocks and number in (_BLOCK1, _BLOCK2))
                or (rules & _EVALUATED and number not in understood)
            ):
                if number & 1:
                    return number
                message.options = [each for each in message.options if each is not option]
            seen = number
        elif number & 1 and number not in understood:
            return number
    return None


class Recognizing:
    """Methods of Endpoint, whose attributes they use."""

    if _TYPING:
        max_body: int

    def unrecognized(self, message: Message) -> int | None:
        """Do the same for a response, or where Block options alone are understood."""
        return unrecognized(message, self.max_body)
