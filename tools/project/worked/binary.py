# SPDX-License-Identifier: MIT
"""The binary messages of TS 24.538 Annex A.2 as people read them: each field with its octets."""

# Message type: (name, its clause, fields of the imperative part). A field is (name, octets), or (name, "L") with its
# length in one octet before it, (name, "LL") in two.
_REPORT = (("Delivery Status", 1), ("Message ID", 16), ("Reply-to Message ID", 16))
MESSAGES = {
    1: ("MESSAGE SENDING REQUEST", "A.2.1.1", (("Target address", "L"), ("Message ID", 16), ("Payload", "LL"))),
    2: ("MESSAGE SENDING RESPONSE", "A.2.1.5", (("Result", 1),)),
    3: ("MESSAGE RECEIVED REQUEST", "A.2.1.3", (("Message ID", 16), ("Payload", "LL"))),
    4: ("MESSAGE RECEIVED RESPONSE", "A.2.1.6", (("Result", 1),)),
    5: ("DELIVERY REPORT SENDING REQUEST", "A.2.1.2", _REPORT),
    6: ("DELIVERY REPORT RECEIVED REQUEST", "A.2.1.4", _REPORT),
    7: ("REGISTRATION REQUEST", "A.2.1.7", (("Application ID", 2), ("Credential information", "LL"))),
    8: ("REGISTRATION ACCEPT", "A.2.1.8", (("Registration ID", 6),)),
    10: ("DEREGISTRATION REQUEST", "A.2.1.10", (("Registration ID", 6),)),
    12: ("DEREGISTRATION ACCEPT", "A.2.1.11", (("Registration ID", 6),)),
}  # fmt: skip
# IEI: name and octets of its value; "L": its length stands before it; None: it is in the low half of the IEI's octet
OPTIONAL = {
    0x0A: ("Application ID", 2),
    0x0E: ("Group ID", "L"),
    0x0F: ("Originator Address", "L"),
    0x58: ("Failure Reason", 1),
    0xB0: ("Delivery Status Required", None),
    0xC0: ("Priority", None),
    0xD0: ("Target Type", None),
}


def fields(octets):
    """[(name, octets)] of a message, its type first."""
    name, _, imperative = MESSAGES[octets[0]]
    found, at = [("Message type: " + name, octets[:1])], 1
    for field, size in imperative:
        end = _end(octets, at, size)
        found.append((field, octets[at:end]))
        at = end
    while at < len(octets):
        iei = octets[at] if octets[at] in OPTIONAL else octets[at] & 0xF0
        field, size = OPTIONAL[iei]
        end = at + 1 if size is None else _end(octets, at + 1, size)
        found.append(("%s, optional" % field, octets[at:end]))
        at = end
    return found


def _end(octets, at, size):
    if size == "L":
        return at + 1 + octets[at]
    if size == "LL":
        return at + 2 + int.from_bytes(octets[at : at + 2], "big")
    return at + size


def counted(octets, names):
    """The message with other Message IDs and Registration IDs; `names` as octets.Names."""
    made = b""
    for name, value in fields(octets):
        if name.endswith("Message ID"):
            text = b"%s-%s-%s-%s-%s" % tuple(
                value.hex().encode()[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
            )
            value = bytes.fromhex(names.body(text).decode().replace("-", ""))
        elif name == "Registration ID":
            value = bytes.fromhex(names.registration(value.hex().encode()).decode())
        made += value
    return made
