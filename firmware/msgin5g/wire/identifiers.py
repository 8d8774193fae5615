# SPDX-License-Identifier: MIT
"""Identifiers and words that more than one layer needs: of the service, of addresses, of priorities."""

SERVICE_IDENTIFIER = "urn:3gpp:msgin5g"
PORT = 65401  # MSGin5GMD, TS 29.641 table 5-1
PRIORITIES = ("HIGH", "NORMAL", "LOW")
MANY = ("GROUP", "TOPIC", "BC")  # destinations that stand for several recipients


def service_id_error(value):
    """Return why `value` cannot be a service ID, or None (TS 23.554 clause 6.1: a URI; kindly, any string)."""
    if not isinstance(value, str) or not value or len(value.encode()) > 255:
        return "must be a string of 1 to 255 octets"
    if min(value.encode()) < 0x20 or "\x7f" in value:
        return "must not contain control characters"
    return None
