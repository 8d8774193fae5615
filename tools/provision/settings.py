# SPDX-License-Identifier: MIT
"""What a person asks for: the configuration without its keys, from options, a base file, the columns of a list."""

import copy
import getpass
import json
from pathlib import Path

from tools.errors import UsageError
from tools.provision.plan import APPLICATION, CLIENT
from tools.update import public
from tools.words import why

WIFI = "wifi"


def of_options(args):
    """The settings that all devices of this run have in common. Raises UsageError."""
    settings = base(args.settings) if args.settings else {}
    put(settings, "role", args.role)
    if args.ue and args.ue_id:
        raise UsageError("--ue or --ue-id: a device that is told its UE Service ID does not ask for it")
    if args.ue_id and "ue_service_id" in settings:
        raise UsageError("--settings has a ue_service_id: leave it out, a device with --ue-id asks for it")
    put(settings, "ue_service_id", args.ue)
    put(settings, "ue_id", args.ue_id)
    put(settings, "peer", args.peer)
    if args.security == "none":
        settings["security"] = {"mode": "none"}
    if args.wifi:
        settings[WIFI] = wifi(args.wifi)
    if args.update_key:
        settings["update"] = {"key": public.read(args.update_key).octets.hex()}
    if args.app_id is not None:
        put_app_id(settings, args.app_id)
    settings.setdefault("role", CLIENT)
    return settings


def put(settings, name, value):
    """A value that was not given leaves what is there."""
    if value not in (None, ""):
        settings[name] = value


def put_app_id(settings, app_id):
    settings["application"] = {**settings.get("application", {}), "app_id": app_id}


def merged(common, row):
    """The settings of one row of a list: its own columns, over what all have in common."""
    settings = copy.deepcopy(common)
    for name in ("role", "ue_service_id", "ue_id", "peer", "server"):
        put(settings, name, row.get(name))
    if row.get("wifi_ssid"):
        settings[WIFI] = {"ssid": row["wifi_ssid"], "password": row.get("wifi_password") or ""}
    if row.get("app_id"):
        put_app_id(settings, int(row["app_id"]))
    return settings


def complete(settings, peer=None):
    """In the order of the documentation; `peer` is for who named none. Raises UsageError for what is missing."""
    if not settings.get("ue_service_id") and not settings.get("ue_id"):
        raise UsageError(
            "which device? Name it: --ue ue:sensor-1@example.org, or --ue-id urn:imei:35-209900-176148-1 for one that "
            "asks the server for the rest"
        )
    if peer is not None:
        settings.setdefault("peer", peer)
    if not settings.get("peer"):
        raise UsageError(
            "where is its gateway? --peer coap://ADDRESS for a board with a network, coap+uart://0 for a Pico"
        )
    if settings["role"] == APPLICATION:
        settings.setdefault("application", {})
    else:
        settings.pop("application", None)
    order = ("role", "ue_service_id", "ue_id", "peer", "server", "security")
    first = {name: settings[name] for name in order if name in settings}
    return first | settings


def base(path):
    """A msgin5g.json with what all devices have in common; keys have no place in it."""
    settings = load(path)
    section = settings.get("security", {})
    if isinstance(section, dict) and set(section) - {"mode"}:
        raise UsageError(f"--settings {path}: keys are one device's own; leave section security out")
    espnow = settings.get("espnow", {})
    if isinstance(espnow, dict) and {"pmk", "lmk"} & set(espnow):
        raise UsageError(f"--settings {path}: leave the keys of section espnow out; --espnow FILE has them")
    application = settings.get("application", {})
    if isinstance(application, dict) and "credential" in application:
        raise UsageError(f"--settings {path}: application.credential is one device's own; leave it out")
    return settings


def load(path):
    """A JSON object from a file. Raises UsageError, which quotes nothing of it."""
    try:
        octets = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {why(error)}") from None
    settings = parse(octets)
    if settings is None:
        raise UsageError(f"{path} is not a JSON object")
    return settings


def parse(octets):
    """The JSON object in a file, or None where there is another thing in it."""
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def wifi(where):
    """The section `wifi`, from a file of two lines or asked for: a command line is seen by all on this computer."""
    if where == "ask":
        try:
            return {"ssid": input("Wi-Fi network: "), "password": getpass.getpass("Wi-Fi password: ")}
        except EOFError:
            raise UsageError(
                "--wifi ask needs a terminal; else name a file: its first line the network, its second "
                "the password"
            ) from None
    try:
        lines = Path(where).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"--wifi {where}: {why(error)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--wifi {where} is not UTF-8 text") from None
    if not 1 <= len(lines) <= 2 or not lines[0]:
        raise UsageError(
            f"--wifi {where}: its first line is the network's name, its second the password, no more"
        )
    return {"ssid": lines[0], "password": lines[1] if len(lines) == 2 else ""}
