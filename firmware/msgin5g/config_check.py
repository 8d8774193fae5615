# SPDX-License-Identifier: MIT
"""Checks the configuration key by key and fills a Config with it."""

import binascii
import json

import msgin5g

from .wire.identifiers import GROUP, PORT, SERVICE_IDENTIFIER, service_id_error

_HEX_DIGITS = "0123456789abcdef"
_NOT_IN_HOST = " /?#@[]"
_SCHEMES = ("coap", "coap+uart", "l3+uart", "l3+espnow", "discover")
_HOST_AND_PORT = ("coap", "discover")  # what stands behind these; behind the others a name, taken as it is
_NEEDED = object()
_MAX_UE_ID = 240  # octets: it goes out as "ue-uri=..." in an option, which holds 255


def _hexadecimal(text):
    return not [c for c in text.lower() if c not in _HEX_DIGITS]


class _Section:
    """Takes checked values out of one JSON object; what is left over at the end is an unknown key."""

    def __init__(self, data, path=""):
        if not isinstance(data, dict):
            raise msgin5g.ConfigError(path or "the configuration", "must be a JSON object, {...}")
        self._left = dict(data)
        self._path = path

    def name(self, key):
        return self._path + "." + key if self._path else key

    def fail(self, key, allowed):
        raise msgin5g.ConfigError(self.name(key), allowed)

    def value(self, key, default, allowed):
        value = self._left.pop(key, default)
        if value is _NEEDED:
            self.fail(key, "is missing; it must be " + allowed)
        return value

    def section(self, key):
        return _Section(self._left.pop(key, {}), self.name(key))

    def number(self, key, default, low, high, kind=int):
        allowed = "%s from %s to %s" % ("an integer" if kind is int else "a number", low, high)
        value = self.value(key, default, allowed)
        if value is None and default is None:
            return None
        # bool is an int to isinstance, but "true" is not a number to the person who wrote it
        if isinstance(value, bool) or not isinstance(value, (int, kind)) or not low <= value <= high:
            self.fail(key, "must be " + allowed)
        return value

    def flag(self, key, default):
        value = self.value(key, default, "")
        if not isinstance(value, bool):
            self.fail(key, "must be true or false")
        return value

    def text(self, key, default, allowed="a string", longest=255):
        value = self.value(key, default, allowed)
        if value is default:
            return value
        if not isinstance(value, str) or len(value.encode()) > longest:
            self.fail(key, "must be %s of at most %d octets" % (allowed, longest))
        return value

    def choice(self, key, default, choices):
        allowed = "one of " + ", ".join(choices)
        value = self.value(key, default, allowed)
        if value not in choices:
            self.fail(key, "must be " + allowed)
        return value

    def octets(self, key, shortest, longest):
        """Return a hexadecimal string as bytes, or None. The error never shows the value: it may be a key."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        # MicroPython's unhexlify lets white space pass
        if not isinstance(value, str) or len(value) % 2 or not _hexadecimal(value):
            self.fail(key, "must be hexadecimal digits, two for an octet")
        value = binascii.unhexlify(value)
        if not shortest <= len(value) <= longest:
            self.fail(key, "must have %d to %d octets" % (shortest, longest))
        return value

    def end(self):
        for key in sorted([str(key) for key in self._left]):
            self.fail(key, "is not a key of the configuration")


def split_uri(uri, key="peer"):
    """Return (scheme, host, port) of "coap://192.0.2.1:65401", "coap://[2001:db8::1]", "coap+uart://1",
    "discover:", which is the group of all CoAP nodes, "discover://gateway.example"."""
    scheme, colon, rest = uri.partition(":")
    port = PORT
    if not colon or scheme not in _SCHEMES:
        raise msgin5g.ConfigError(key, "must start with one of " + ", ".join([s + ":" for s in _SCHEMES]))
    if scheme == "discover" and not rest:
        return scheme, GROUP, PORT
    host = rest[2:].rstrip("/") if rest.startswith("//") else rest
    if scheme in _HOST_AND_PORT:
        ending = host.rfind(":")
        if ending > host.rfind("]"):
            try:
                port = int(host[ending + 1 :])
            except ValueError:
                port = 0
            host = host[:ending]
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            host = ""
        if (
            not rest.startswith("//")
            or not host
            or not 1 <= port <= 65535
            or [c for c in host if c in _NOT_IN_HOST]
        ):
            form = "must look like {0}://192.0.2.1:65401, {0}://gateway.example or {0}://[2001:db8::1]"
            if scheme == "discover":
                form = "must be discover:, or " + form[5:]
            raise msgin5g.ConfigError(key, form.format(scheme))
    return scheme, host, port


def read(path):
    """Return the JSON in the file of a configuration. Raise ConfigError, also for a file that is not there."""
    try:
        with open(path) as file:
            if file.read(1) != "\ufeff":  # which some editors put in front of UTF-8
                file.seek(0)
            return json.load(file)
    except OSError as error:
        if error.errno == 2:  # ENOENT
            raise msgin5g.ConfigError(path, "there is no such file")
        raise msgin5g.ConfigError(path, "cannot be read (%s)" % error)
    except ValueError:
        raise msgin5g.ConfigError(path, "is not JSON; check quotes and commas")
    except MemoryError:
        raise msgin5g.ConfigError(path, "is too large for a configuration")


def fill(config, data):
    """Set every attribute of `config`. Raise ConfigError."""
    top = _Section(data)
    config.role = top.choice("role", _NEEDED, ("client", "application client"))
    _identity(config, top)
    config.service_identifier = top.text("service_identifier", SERVICE_IDENTIFIER)
    why = service_id_error(config.service_identifier)
    if why:
        top.fail("service_identifier", why)
    config.peer = top.text("peer", _NEEDED, 'a URI like "coap://192.0.2.1:65401"')
    config.peer_scheme, config.peer_host, config.peer_port = split_uri(config.peer)
    if config.peer_scheme == "discover" and config.role != "client":
        top.fail("peer", 'cannot be discover: here, which finds gateways for the role "client" only')
    config.discovers = (
        config.peer_scheme == "discover"
    )  # whether the procedure of this name begins with the client
    section = top.section("discovery")
    config.discovery = {
        "window": section.number("window", 3, 0.1, 60, float)
    }  # s in which gateways may answer
    section.end()
    config.server = top.text("server", None)
    config.server_host = config.server_port = None
    if config.server is not None:
        scheme, config.server_host, config.server_port = split_uri(config.server, "server")
        if scheme != "coap":
            top.fail("server", "must be a coap:// URI")
    config.gateway_service = top.flag("gateway_service", False)
    config.security = _security(top.section("security"))
    config.registration = _registration(top.section("registration"))
    config.coap = _coap(top.section("coap"))
    config.segments = _segments(top.section("segments"))
    section = top.section("serial")
    config.serial = {
        "max_frame": section.number(
            "max_frame", 1152, 64, 65900
        ),  # an L3 message of 65,535 octets of payload
        "baudrate": section.number("baudrate", 115200, 300, 4000000),
        "flow": section.choice("flow", "none", ("none", "rtscts")),
    }
    section.end()
    section = top.section("l3")
    config.l3 = {
        "timeout": section.number("timeout", 2, 0.01, 60, float),
        "repeats": section.number("repeats", 4, 0, 10),
    }
    section.end()
    section = top.section("outbox")
    config.outbox = {
        "messages": section.number("messages", 64, 1, 10000),
        "bytes": section.number("bytes", 131072, 1, 1 << 29),
    }
    section.end()
    config.aggregation = _aggregation(top.section("aggregation"), config.role)
    section = top.section("inbox")
    config.inbox = {"messages": section.number("messages", 16, 1, 1000)}
    section.end()
    config.reports = top.choice("reports", "taken", ("taken", "arrival"))
    config.report_timeout = top.number("report_timeout", 86400, 1, 31536000)
    config.availability = _availability(config, top)
    config.triggers = _triggers(config, top)
    config.counters = _counters(config, top)
    config.update = _update(config, top)
    config.watchdog = top.number("watchdog", None, 0, 3600, float)  # what a board has of it, it says itself
    section = top.section("wifi")
    config.wifi = {
        "ssid": section.text("ssid", "", longest=32),
        "password": section.text("password", "", longest=64),
    }
    password = config.wifi["password"]
    length = len(password.encode())
    if 0 < length < 8 or (length == 64 and not _hexadecimal(password)):  # as WPA has them
        section.fail(
            "password", "must have 8 to 63 octets, or 64 hexadecimal digits, or none for an open network"
        )
    section.end()
    config.espnow = _espnow(top.section("espnow"))
    section = top.section("application")
    config.application = {
        "app_id": section.number("app_id", 1, 0, 65535),
        "credential": section.octets("credential", 1, 65535),
    }
    section.end()
    top.end()


def _identity(config, top):
    """Take the UE Service ID, or what it is fetched by (clause 6.2.1)."""
    config.ue_id = top.text("ue_id", None)
    config.configuration = _configuration(top.section("configuration"))
    can_fetch = config.ue_id is not None and config.role == "client"
    allowed = 'a service ID like "ue:sensor-1@example.org"'
    if config.role == "client":
        allowed += ", or absent where ue_id is there: then the server is asked for it"
    config.ue_service_id = top.text("ue_service_id", None if can_fetch else _NEEDED, allowed)
    why = config.ue_service_id is not None and service_id_error(config.ue_service_id)
    if why:
        top.fail("ue_service_id", why)
    # whether the procedure of this name begins with the client
    config.fetches = config.configuration["fetch"] == "always" or config.ue_service_id is None
    if config.fetches:
        if not can_fetch:
            top.fail("configuration.fetch", '"always" needs a ue_id, and the role "client"')
        why = service_id_error(config.ue_id)
        if why or len(config.ue_id.encode()) > _MAX_UE_ID:
            top.fail("ue_id", why or "must have at most %d octets to be configured by" % _MAX_UE_ID)


def _configuration(section):
    """Return what a request for a configuration says, and when there is one."""
    kind = section.text("type", None)
    if kind is not None and (len(kind) != 8 or [digit for digit in kind if digit not in "0123456789"]):
        section.fail("type", "must be 8 digits, the Type Allocation Code of the device")
    values = {
        "fetch": section.choice("fetch", "needed", ("needed", "always")),
        "vendor": section.text("vendor", None, longest=200),
        "type": kind,
    }
    section.end()
    return values


def keys(data):
    """Return a section `security` with keys, as Config has it. Raise ConfigError; it never shows a key."""
    section = _Section(data, "security")
    found = _security(section)
    for name in ("master_secret", "sender_id", "recipient_id"):
        if found[name] is None:
            section.fail(name, "is missing")
    if found["mode"] != "oscore":
        section.fail("mode", "must be oscore")
    if found["sender_id"] == found["recipient_id"]:
        section.fail("recipient_id", "must differ from security.sender_id")
    return found


def _security(section):
    keys = {
        "mode": section.choice("mode", "oscore", ("oscore", "none")),
        "master_secret": section.octets("master_secret", 16, 64),
        "master_salt": section.octets("master_salt", 0, 64),
        "sender_id": section.octets("sender_id", 0, 7),
        "recipient_id": section.octets("recipient_id", 0, 7),
        "id_context": section.octets("id_context", 0, 64),
    }
    section.end()
    return keys


def _registration(section):
    values = {
        "lifetime": section.number("lifetime", 3600, 10, 31536000),
        "urgent": section.flag("urgent", True),
        "wait": section.number("wait", None, 1, 3600),
    }
    section.end()
    return values


def _coap(section):
    """RFC 7252 section 4.8; times in seconds."""
    values = {
        "ack_timeout": section.number("ack_timeout", 2, 0.01, 60, float),
        "ack_random_factor": section.number("ack_random_factor", 1.5, 1, 4, float),
        "max_retransmit": section.number("max_retransmit", 4, 0, 10),
        "nstart": section.number("nstart", 1, 1, 8),
        "max_datagram": section.number("max_datagram", 1152, 512, 4096),
        "confirmable": section.choice("confirmable", "all", ("all", "spec")),
    }
    section.end()
    return values


def _segments(section):
    values = {
        "size": section.number("size", 2048, 64, 2048),
        "gap": section.number("gap", 5, 0.05, 3600, float),
        "recoveries": section.number("recoveries", 3, 0, 100),
        "hold": section.number("hold", 120, 1, 86400, float),
        "sets": section.number("sets", 4, 1, 64),
        "bytes": section.number("bytes", 98304, 2048, 1 << 29),
        "window": section.number("window", 1, 1, 8),  # that are taken of one message at once
    }
    section.end()
    return values


def _aggregation(section, role):
    """Small messages that go out together, TS 24.538 clause 6.4.1.1.3; `wait` in seconds, 0 for never."""
    values = {
        "wait": section.number("wait", 0, 0, 86400, float),
        "messages": section.number("messages", 8, 2, 255),
    }
    if values["wait"] and role != "client":
        section.fail("wait", 'must be 0 for the role "%s": MSGin5G-5 has no aggregated messages' % role)
    section.end()
    return values


def _espnow(section):
    values = {
        "channel": section.number("channel", 0, 0, 14),  # 0: whichever the radio has
        "pmk": section.octets("pmk", 16, 16),
        "lmk": section.octets("lmk", 16, 16),
    }
    for key, other in (("lmk", "pmk"), ("pmk", "lmk")):
        if values[key] is None and values[other] is not None:
            section.fail(
                key, "is missing: ESP-NOW encrypts with both keys, espnow.pmk and espnow.lmk, or not at all"
            )
    section.end()
    return values


def _availability(config, top):
    """Communication Availability, TS 23.554 table 8.2.1-3: when the device can be reached; None for always."""
    section = _client_only(config, top, "availability")
    if section is None:
        return None
    interval = section.number("interval", _NEEDED, 1, 31536000)
    values = {
        "interval": interval,
        "duration": section.number("duration", _NEEDED, 1, interval),
        "store_forward": section.flag("store_forward", True),
        "data_size": section.text("data_size", None, longest=64),
    }
    section.end()
    return values


def _triggers(config, top):
    """Return what the device can be woken by, TS 23.554 table 8.2.1-2; None for nothing."""
    section = _client_only(config, top, "triggers")
    if section is None:
        return None
    values = {"port": section.number("port", _NEEDED, 1, 65535)}
    section.end()
    if config.ue_id is None:
        top.fail("triggers", "needs a ue_id, by which the network knows whom to wake")
    why = service_id_error(config.ue_id)
    if why:
        top.fail("ue_id", why)
    return values


def _counters(config, top):
    """Return how often the device tells its gateway what it has counted; None for never."""
    section = _client_only(config, top, "counters")
    if section is None:
        return None
    values = {"interval": section.number("interval", _NEEDED, 60, 31536000)}
    section.end()
    return values


def _update(config, top):
    """Return whose updates the device takes, by the HSS public key (RFC 8554 section 6.1); None for nobody's. Which
    parameters it is of, `msgin5g provision` looks at."""
    section = _client_only(config, top, "update")
    if section is None:
        return None
    values = {"key": section.octets("key", 52, 60)}  # 28, and a hash of 24 or 32
    if values["key"] is None:
        section.fail("key", "is missing; it must be what FILE.pub of msgin5g keys has")
    section.end()
    return values


def _client_only(config, top, key):
    """Return a section of what a Client says with its registration, None where it is absent or null."""
    value = top.value(key, None, "")
    if value is None:
        return None
    if config.role != "client":
        top.fail(key, 'needs the role "client": an application behind a gateway cannot say it')
    return _Section(value, key)
