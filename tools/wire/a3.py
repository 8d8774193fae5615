# SPDX-License-Identifier: MIT
"""Which bodies are of MSGin5G-5 over CoAP and JSON: TS 24.538 Annex A.3."""

from tools.wire import bodies

REGISTRATION_IDS = (
    "registrationID",
    "RegistrationID",
    "registration ID",
)  # as A.3.2.8 spells it here and there


def is_json_of_application(octets):
    """Whether a body is one of Annex A.3: registrations there share their msgType with those of clause 7.3, and the
    schema of MESSAGE SENDING REQUEST does not require one."""
    try:
        body = bodies.parse(octets)
    except bodies.Malformed:
        return False
    kind = body.get("msgType")
    if kind is None:
        return "destAddr" in body and "oriAddr" not in body and "msgIden" not in body
    kind = str(kind).strip().upper()
    return (
        kind.startswith(("MESSAGE SENDING", "DELIVERY REPORT SENDING"))
        or (kind == "REG" and "credential" in body)
        or (kind == "DEREG" and any(name in body for name in REGISTRATION_IDS))
    )
