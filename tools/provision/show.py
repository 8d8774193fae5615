# SPDX-License-Identifier: MIT
"""Explains a configuration in words. Of keys it says that they are set, never what they are."""

import json

from tools.image import boards
from tools.line.remote import describe
from tools.provision import radio, settings
from tools.provision.check import check
from tools.provision.places import ROWS
from tools.provision.plan import APPLICATION, CLIENT, keyless
from tools.update import public
from tools.words import counted

ROLES = {
    CLIENT: "an MSGin5G Client",
    APPLICATION: "an Application Client behind a Gateway UE (MSGin5G-5)",
}
SCHEMES = (
    ("coap+uart:", "CoAP on a serial line"),
    ("coap:", "CoAP over UDP"),
    ("discover:", "whichever answers by multicast, CoAP over UDP"),
    ("l3+uart:", "binary messages (Annex A) on a serial line"),
    ("l3+espnow:", "binary messages (Annex A) by ESP-NOW"),
)
MAKE_ONE = "make one: msgin5g provision --ue ue:sensor-1@example.org --peer %s %s"
# Texts that may be shown; any other may be a secret of a section that this tool does not know of.
PLAIN = ("ue_id", "server", "service_identifier", "reports", "coap.confirmable")
NO_FIRMWARE = "This board has no MSGin5G firmware: flash it (make image, make flash)."


def explain(place, identity):
    """Prints it; exit code 0 only where a device starts with it."""
    if identity is not None:
        print(f"{place.where}: {describe(identity)}")
    octets = place.read()
    verdict = check(octets)[0]
    refusal = verdict.error or octets is not None and place.refusal()
    config = settings.parse(octets or b"")
    if octets is None:
        peer = boards.usual_peer(identity.machine) if identity is not None else None
        peer = peer or "coap://ADDRESS"
        print("There is no msgin5g.json; " + MAKE_ONE % (peer, f"{place.option} {place.where}"))
    else:
        for line in lines(octets, config, verdict, place):
            print(line)
        # As the device's console has it.
        wrong = ", msgin5g.json is wrong" if verdict.error else ""
        print(f"A device can't start with it{wrong}: {refusal}" if refusal else "A device starts with it.")
    if identity is not None and not identity.firmware:
        print(NO_FIRMWARE)
        return 1
    return 1 if refusal else 0


def lines(octets, config, verdict, place):
    """The explanation of a file's octets; `config` is the JSON object in them, or None."""
    yield f"msgin5g.json, {counted(len(octets), 'octet')}"
    if config is not None:
        for name, text in _items(config, verdict, place):
            yield f"  {name:<15} {text}"


def _items(config, verdict, place):
    role = config.get("role")
    yield "device", f"{_who(config)} {ROLES.get(role, 'of no role that there is')}"
    peer = config.get("peer")
    how = [text for scheme, text in SCHEMES if isinstance(peer, str) and peer.startswith(scheme)]
    yield "gateway", ": ".join([_text(peer).removesuffix(":"), *how])
    yield from _security(config, verdict, place)
    application = config.get("application")
    if role == APPLICATION and isinstance(application, dict):
        credential = _secret(application.get("credential"))
        yield "application", f"ID {application.get('app_id', 1)}; credential {credential}"
    wifi = config.get("wifi")
    if isinstance(wifi, dict) and wifi.get("ssid"):
        yield "Wi-Fi", f"{_text(wifi['ssid'])}; password {'set' if wifi.get('password') else 'not set'}"
    if verdict.error is None:
        yield from _updates(config)
        # Where it is wrong, a name that nobody knows may have a key behind it.
        others = dict(_others(config))
        if others:
            yield (
                "other settings",
                ", ".join(f"{name} {_value(name, value)}" for name, value in others.items()),
            )


def _who(config):
    if config.get("ue_service_id") is None and config.get("ue_id") is not None:
        return f"UE ID {_text(config['ue_id'])}, asks the server for its UE Service ID;"
    return _text(config.get("ue_service_id")) + ","


def _security(config, verdict, place):
    section = config.get("security", {})
    section = section if isinstance(section, dict) else {}
    if section.get("mode") == "none":
        peer = config.get("peer")
        peer = peer if isinstance(peer, str) else ""
        if peer.startswith(radio.SCHEME):
            has = radio.has_keys(config)
            told = "by the keys of ESP-NOW" if has else "none: anyone in range can read, change and forge"
        elif keyless({"peer": peer}):
            told = "none: the line is trusted (Annex A)"
        else:
            told = "none: anyone on the path can read, change and forge"
        yield "security", told
        return
    yield "security", "OSCORE: encrypted and authenticated"
    for name in ("master_secret", "master_salt", "id_context"):
        if name in section or name == "master_secret":
            yield f"  {name}", _secret(section.get(name))
    for name in ("sender_id", "recipient_id"):
        yield f"  {name}", _id(section.get(name))
    known = verdict.row and place.has_row(verdict.row)
    if known is not None:
        told = "in" if known else "none yet, this key was not used here; they will be in"
        yield "  numbers", f"{told} {ROWS}/{verdict.row}"


def _updates(config):
    section = config.get("update")
    if section is not None:
        key = public.parse(bytes.fromhex(section["key"]))
        yield "updates", f"those that key {key.id.hex()} has signed"


def _secret(value):
    """That it is set. Not what it is, also where it is wrong."""
    if value is None:
        return "not set"
    octets = _octets(value)
    if octets is None:
        return "set, but not to hexadecimal digits, two for an octet"
    return f"set, {counted(len(octets), 'octet')}"


def _id(value):
    """IDs are no secret, but a secret may stand where an ID belongs."""
    octets = _octets(value)
    if octets is None or len(octets) > 7:
        return "not set" if value is None else "set, but not to 0 to 7 octets in hexadecimal digits"
    return octets.hex() or "empty"


def _octets(value):
    try:
        return bytes.fromhex(value) if len(value) % 2 == 0 else None
    except (TypeError, ValueError):
        return None


def _value(name, value):
    if isinstance(value, str) and name not in PLAIN:
        return _secret(value) if _octets(value) else "set"
    return json.dumps(value)


def _text(value):
    if value is None:
        return "not set"
    return value if isinstance(value, str) and value.isprintable() and value else json.dumps(value)


def _others(config):
    """(dotted name, value) of what was not explained above."""
    told = ("role", "ue_service_id", "peer", "security", "application", "wifi", "update")
    for name, value in config.items():
        if name in told:
            continue
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", each) for key, each in value.items())
        else:
            yield name, value
