# SPDX-License-Identifier: MIT
"""The configuration: each key, its default, its bounds, and errors that name the key and say what is allowed."""

import os

from common import equal, raises
from msgin5g import Client, Config, ConfigError, MemoryStorage

NEEDED = {"role": "client", "ue_service_id": "ue:a@x", "peer": "coap://192.0.2.1"}
SECRET = "5ec4e70123456789abcdef0123456789"

# section, key, default, lowest, highest, beyond on both sides
NUMBERS = (
    ("registration", "lifetime", 3600, 10, 31536000, 9, 31536001),
    ("coap", "ack_timeout", 2, 0.01, 60, 0.009, 60.5),
    ("coap", "ack_random_factor", 1.5, 1, 4, 0.99, 4.01),
    ("coap", "max_retransmit", 4, 0, 10, -1, 11),
    ("coap", "nstart", 1, 1, 8, 0, 9),
    ("coap", "max_datagram", 1152, 512, 4096, 511, 4097),
    ("segments", "size", 2048, 64, 2048, 63, 2049),
    ("segments", "gap", 5, 0.05, 3600, 0.04, 3601),
    ("segments", "recoveries", 3, 0, 100, -1, 101),
    ("segments", "hold", 120, 1, 86400, 0.9, 86401),
    ("segments", "sets", 4, 1, 64, 0, 65),
    ("segments", "bytes", 98304, 2048, 536870912, 2047, 536870913),
    ("segments", "window", 1, 1, 8, 0, 9),
    ("outbox", "messages", 64, 1, 10000, 0, 10001),
    ("outbox", "bytes", 131072, 1, 536870912, 0, 536870913),
    ("inbox", "messages", 16, 1, 1000, 0, 1001),
    ("application", "app_id", 1, 0, 65535, -1, 65536),
    ("espnow", "channel", 0, 0, 14, -1, 15),
)
FRACTIONS = ("ack_timeout", "ack_random_factor", "gap", "hold")


def config(**more):
    members = dict(NEEDED)
    members.update(more)
    return Config(members)


def wrong(key, words, **more):
    error = raises(ConfigError, config, **more)
    equal(error.key, key)
    text = str(error)
    assert text.startswith(key + ": "), text
    for word in words if isinstance(words, tuple) else (words,):
        assert word in text, text
    return text


def test_flow_control():
    equal(config().serial["flow"], "none")
    equal(config(serial={"flow": "rtscts"}).serial["flow"], "rtscts")
    for value in ("RTS/CTS", True, None, "xonxoff"):
        wrong("serial.flow", ("none", "rtscts"), serial={"flow": value})


def test_defaults():
    given = config()
    for section, key, default, _, _, _, _ in NUMBERS:
        equal((key, getattr(given, section)[key]), (key, default))
    equal((given.role, given.ue_service_id, given.ue_id, given.server), ("client", "ue:a@x", None, None))
    equal((given.peer_scheme, given.peer_host, given.peer_port), ("coap", "192.0.2.1", 65401))
    equal((given.service_identifier, given.gateway_service), ("urn:3gpp:msgin5g", False))
    equal((given.registration["urgent"], given.coap["confirmable"]), (True, "all"))
    equal((given.reports, given.report_timeout, given.availability), ("taken", 86400, None))
    equal((given.wifi, given.application["credential"]), ({"ssid": "", "password": ""}, None))
    equal(given.espnow, {"channel": 0, "pmk": None, "lmk": None})
    equal(given.security["mode"], "oscore")
    for key in ("master_secret", "master_salt", "sender_id", "recipient_id", "id_context"):
        equal(given.security[key], None)


def test_bounds():
    for section, key, _, low, high, under, over in NUMBERS:
        for value in (low, high):
            equal(getattr(config(**{section: {key: value}}), section)[key], value)
        kind = "a number" if key in FRACTIONS else "an integer"
        for value in (under, over, "1", None, True, [], {}, float("nan"), float("inf")):
            wrong(section + "." + key, (kind, str(low), str(high)), **{section: {key: value}})
        if key not in FRACTIONS:
            wrong(section + "." + key, kind, **{section: {key: low + 0.5}})
    for value in (1, 31536000):
        equal(config(report_timeout=value).report_timeout, value)
    for value in (0, 31536001, "1"):
        wrong("report_timeout", "integer from 1 to 31536000", report_timeout=value)


def test_flags_and_choices():
    for key in ("gateway_service",):
        equal(config(**{key: True}).gateway_service, True)
        wrong(key, "true or false", **{key: "true"})
        wrong(key, "true or false", **{key: 1})
    wrong("registration.urgent", "true or false", registration={"urgent": None})
    for value in ("all", "spec"):
        equal(config(coap={"confirmable": value}).coap["confirmable"], value)
    wrong("coap.confirmable", ("all", "spec"), coap={"confirmable": "none"})
    equal(config(reports="arrival").reports, "arrival")
    wrong("reports", ("taken", "arrival"), reports=["taken"])
    equal(config(role="application client").role, "application client")
    wrong("role", ("client", "application client"), role="server")
    wrong("security.mode", ("oscore", "none"), security={"mode": "dtls"})
    equal(config(availability=None).availability, None)


def test_needed_keys():
    for key in NEEDED:
        members = dict(NEEDED)
        del members[key]
        error = raises(ConfigError, Config, members)
        equal(error.key, key)
        assert "is missing" in str(error), error


def test_a_device_without_a_service_id_needs_a_ue_id():
    members = {"role": "client", "ue_id": "urn:imei:35-209900-176148-1", "peer": "coap://192.0.2.1"}
    given = Config(members)
    equal((given.ue_service_id, given.fetches, given.given), (None, True, None))
    equal(given.configuration, {"fetch": "needed", "vendor": None, "type": None})
    assert "urn:imei:35" in repr(given), given
    assert "ue_id" in str(raises(ConfigError, Config, {"role": "client", "peer": "coap://192.0.2.1"}))
    for value in ("", "a\nb", "x" * 241, 5):
        error = raises(ConfigError, Config, dict(members, ue_id=value))
        equal(error.key, "ue_id")
    equal(Config(dict(members, ue_id="x" * 240)).fetches, True)
    # only a Client is configured
    error = raises(ConfigError, Config, dict(members, role="application client"))
    equal((error.key, "is missing" in str(error)), ("ue_service_id", True))


def test_when_the_configuration_is_fetched():
    equal(config().fetches, False)
    equal(config(ue_id="s-1").fetches, False)
    equal(config(ue_id="s-1", configuration={"fetch": "needed"}).fetches, False)
    equal(config(ue_id="s-1", configuration={"fetch": "always"}).fetches, True)
    equal(config(configuration={"vendor": "acme", "type": "35209900"}).configuration["type"], "35209900")
    wrong("configuration.fetch", "needs a ue_id", configuration={"fetch": "always"})
    wrong("configuration.fetch", ("needed", "always"), configuration={"fetch": "never"})
    for value in ("3520990", "352099001", "3520990x", 35209900):
        wrong("configuration.type", "", configuration={"type": value})
    wrong("configuration.vendor", "at most 200 octets", configuration={"vendor": "x" * 201})


def test_what_the_other_side_changes_is_told_from_the_file():
    given = config()
    file = dict(given.__dict__)
    given.change("ue_service_id", "ue:b@x")
    given.change("peer_port", 5683)
    equal((given.ue_service_id, given.peer_port), ("ue:b@x", 5683))
    equal(given.given, file)


def test_unknown_keys():
    wrong("pear", "is not a key", pear=1)
    wrong("coap.nstrat", "is not a key", coap={"nstrat": 1})
    for section in (
        "security",
        "registration",
        "segments",
        "outbox",
        "inbox",
        "wifi",
        "espnow",
        "application",
    ):
        wrong(section + ".x", "is not a key", **{section: {"x": 1}})
        for value in (7, "x", None, []):
            wrong(section, "JSON object", **{section: value})
    for data in (None, [], "x", 7):
        error = raises(ConfigError, Config, data)
        assert "JSON object" in str(error), error


def test_texts():
    equal(config(ue_service_id="\u00e4" * 127).ue_service_id, "\u00e4" * 127)
    for value in ("", "x" * 256, "\u00e4" * 128, 7, "a\nb", "a\x7fb"):
        wrong("ue_service_id", (), ue_service_id=value)
    wrong("ue_id", "255", ue_id="x" * 256)
    wrong("service_identifier", "string", service_identifier=None)
    equal(config(wifi={"ssid": "x" * 32}).wifi["ssid"], "x" * 32)
    wrong("wifi.ssid", "32", wifi={"ssid": "x" * 33})
    for password in ("", "x" * 8, "x" * 63, "aF09" * 16):
        equal(config(wifi={"password": password}).wifi["password"], password)
    # IEEE 802.11, "Suggested pass-phrase-to-PSK mapping": 8 to 63 characters; 64 are the key itself, in hexadecimal
    for password in ("x" * 7, "x" * 64, "0x" + "a" * 62):
        wrong("wifi.password", ("8 to 63", "64 hexadecimal", "open network"), wifi={"password": password})
    wrong("wifi.password", "64", wifi={"password": "x" * 65})


def test_espnow_keys():
    keys = {"pmk": "50" * 16, "lmk": "4C" * 16}
    equal(config(espnow=keys).espnow, {"channel": 0, "pmk": b"P" * 16, "lmk": b"L" * 16})
    for key, other in (("pmk", "lmk"), ("lmk", "pmk")):
        wrong("espnow." + key, "16", espnow={key: "50" * 15})
        wrong("espnow." + key, "16", espnow={key: "50" * 17})
        wrong("espnow." + other, "both keys", espnow={key: keys[key]})


def test_a_scheme_that_is_new():
    # In the first of the two it has a name alone behind it; in the second, too, host and port as coap:// has them.
    from msgin5g import config_check

    schemes, hosts = config_check._SCHEMES, config_check._HOST_AND_PORT
    try:
        config_check._SCHEMES = schemes + ("coap+tcp",)
        equal(config_check.split_uri("coap+tcp://a:99")[:2], ("coap+tcp", "a:99"))
        config_check._HOST_AND_PORT = hosts + ("coap+tcp",)
        equal(config_check.split_uri("coap+tcp://[2001:db8::1]:99"), ("coap+tcp", "2001:db8::1", 99))
        equal(config_check.split_uri("coap+tcp://a"), ("coap+tcp", "a", 65401))
        words = str(raises(ConfigError, config_check.split_uri, "coap+tcp://a:0"))
        assert "coap+tcp://gateway.example" in words, words
    finally:
        config_check._SCHEMES, config_check._HOST_AND_PORT = schemes, hosts


def test_uris():
    for uri, scheme, host, port in (
        ("coap://192.0.2.1:5683", "coap", "192.0.2.1", 5683),
        ("coap://gateway.example", "coap", "gateway.example", 65401),
        ("coap://gateway.example/", "coap", "gateway.example", 65401),
        ("coap://[2001:db8::1]", "coap", "2001:db8::1", 65401),
        ("coap://[2001:db8::1]:65535", "coap", "2001:db8::1", 65535),
        ("coap+uart://1", "coap+uart", "1", 65401),
        ("l3+uart://1", "l3+uart", "1", 65401),
        ("l3+espnow://aabbccddeeff", "l3+espnow", "aabbccddeeff", 65401),
        ("discover:", "discover", "224.0.1.187", 65401),  # RFC 7252 section 12.8
        ("discover://192.0.2.1", "discover", "192.0.2.1", 65401),
        ("discover://gateway.example:5683", "discover", "gateway.example", 5683),
        ("discover://[2001:db8::1]/", "discover", "2001:db8::1", 65401),
    ):
        given = config(peer=uri)
        equal((given.peer_scheme, given.peer_host, given.peer_port), (scheme, host, port))
    for uri in ("", "192.0.2.1", "http://x", "coaps://x", ":"):
        wrong("peer", "must start with one of coap:", peer=uri)
    for uri in (
        "coap:",
        "coap://",
        "coap:192.0.2.1",
        "coap://:5683",
        "coap://x:",
        "coap://x:0",
        "coap://x:65536",
        "coap://x:port",
        "coap://x:\u00b2",
        "coap://2001:db8::1",
        "coap://[2001:db8::1",
        "coap://2001:db8::1]",
        "coap://x/path",
        "coap://user@x",
        "coap://x?q",
        "coap://x y",
    ):
        wrong("peer", "must look like coap://", peer=uri)
    for uri in ("discover:gateway", "discover://", "discover://x:0", "discover://x/path", "discover:///"):
        wrong("peer", "must be discover:, or look like discover://", peer=uri)
    given = config(server="coap://server.example:5683")
    equal((given.server_host, given.server_port), ("server.example", 5683))
    wrong("server", "coap://", server="coap+uart://1")
    wrong("server", "must start", server="x")


def test_discovery():
    given = config(peer="discover:", server="coap://server.example")
    equal((given.discovery, given.server_host), ({"window": 3}, "server.example"))
    equal(config(discovery={"window": 0.5}).discovery, {"window": 0.5})
    for window in (0, 0.09, 61, "3", True, None):
        wrong("discovery.window", "from 0.1 to 60", discovery={"window": window})
    wrong("discovery.size", "is not a key", discovery={"size": 1})
    application = {"app_id": 1, "credential": "00"}
    words = wrong("peer", "discover:", role="application client", peer="discover:", application=application)
    assert '"client" only' in words, words


def test_keys_are_hexadecimal():
    given = config(
        security={
            "master_secret": SECRET,
            "master_salt": "",
            "sender_id": "01",
            "recipient_id": "02030405060708",
            "id_context": "AbCd",
        }
    ).security
    equal((len(given["master_secret"]), given["master_secret"][:3]), (16, b"\x5e\xc4\xe7"))
    equal((given["master_salt"], given["sender_id"], given["id_context"]), (b"", b"\x01", b"\xab\xcd"))
    for key, value, word in (
        ("master_secret", "00" * 15, "16 to 64"),
        ("master_secret", "00" * 65, "16 to 64"),
        ("master_salt", "00" * 65, "0 to 64"),
        ("sender_id", "00" * 8, "0 to 7"),
        ("recipient_id", "00" * 8, "0 to 7"),
        ("sender_id", "0", "hexadecimal"),
        ("sender_id", "0g", "hexadecimal"),
        ("sender_id", "  ", "hexadecimal"),
        ("sender_id", "00 00", "hexadecimal"),
        ("sender_id", "0x00", "hexadecimal"),
        ("sender_id", "\u00e4\u00e4", "hexadecimal"),
        ("sender_id", 5, "hexadecimal"),
        ("sender_id", [0], "hexadecimal"),
    ):
        wrong("security." + key, word, security={key: value})
    wrong("application.credential", "1 to 65535", application={"credential": ""})


def test_keys_are_never_shown():
    given = config(
        security={"mode": "none", "master_secret": SECRET},
        application={"credential": SECRET},
        wifi={"ssid": "net", "password": SECRET},
    )
    for text in (repr(given), str(given)):
        assert "5ec4e7" not in text and "secret" not in text and "\\x5e" not in text, text
    for more in (
        {"security": {"master_secret": SECRET[1:]}},
        {"security": {"master_secret": SECRET[:8]}},
        {"security": {"master_secert": SECRET}},
        {"security": {"mode": SECRET}},
        {"security": SECRET},
        {"application": {"credential": SECRET[1:]}},
        {"wifi": {"password": SECRET * 8}},
        {"wifi": {"password": SECRET[:7]}},
        {"wifi": {"ssid": SECRET * 2}},
        {"espnow": {"lmk": SECRET}},
        {"espnow": {"pmk": SECRET[1:]}},
    ):
        text = str(raises(ConfigError, config, **more))
        assert "5ec4e7" not in text and "ec4e701" not in text, text


def test_files():
    path = "/tmp/msgin5g-config-%d.json" % int.from_bytes(os.urandom(4), "big")
    error = raises(ConfigError, Config.load, path)
    equal(error.key, path)
    assert "no such file" in str(error), error
    try:
        for text, word in (
            (b"", "not JSON"),
            (b"{'role': 1}", "not JSON"),
            (b'{"role" "client" "x', "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[]", "JSON object"),
            (b'{"role":"client"}', "ue_service_id: is missing"),
        ):
            with open(path, "wb") as file:
                file.write(text)
            error = raises(ConfigError, Config.load, path)
            assert word in str(error), (text, error)
        with open(path, "wb") as file:
            file.write('{"role":"client","ue_service_id":"ue:\u00e4@x","peer":"coap://192.0.2.1"}'.encode())
        equal(Config.load(path).ue_service_id, "ue:\u00e4@x")
    finally:
        os.remove(path)


def test_what_a_client_asks_for():
    error = raises(ConfigError, Client, config(role="application client"), MemoryStorage())
    equal(error.key, "role")
    for peer in (
        "l3+uart://1",
        "l3+espnow://aabbccddeeff",
    ):  # MSGin5G-5 of TS 24.538 annex A, which it does not speak
        error = raises(ConfigError, Client, config(peer=peer), MemoryStorage())
        equal(error.key, "peer")
        assert 'for the role "application client"' in str(error), error
    # the registration must fit a datagram: 254 quotes are 508 octets with their escapes
    members = {"security": {"mode": "none"}, "ue_service_id": '"' * 254, "coap": {"max_datagram": 512}}
    error = raises(ConfigError, Client, config(**members), MemoryStorage())
    equal(error.key, "coap.max_datagram")
    assert "must be 6" in str(error), error


def test_availability():
    given = {"interval": 600, "duration": 20}
    equal(
        config(availability=given).availability,
        {"interval": 600, "duration": 20, "store_forward": True, "data_size": None},
    )
    full = {"interval": 60, "duration": 60, "store_forward": False, "data_size": "300"}
    equal(config(availability=full).availability, full)
    integer = "an integer from 1 to "
    for missing in ("interval", "duration"):
        rest = dict(given)
        del rest[missing]
        text = wrong("availability." + missing, ("is missing", integer), availability=rest)
        equal(text.count("must be"), 1)
    for bad in (0, -1, 31536001, 1.5, "600", True, None, []):
        wrong("availability.interval", integer + "31536000", availability=dict(given, interval=bad))
    for bad in (0, 601, 20.5, "20", False, None):
        wrong("availability.duration", integer + "600", availability=dict(given, duration=bad))
    for bad in (0, "true", None):
        wrong("availability.store_forward", "true or false", availability=dict(given, store_forward=bad))
    for bad in (300, "x" * 65, []):
        wrong("availability.data_size", "64 octets", availability=dict(given, data_size=bad))
    wrong("availability.period", "not a key", availability=dict(given, period=1))
    for bad in ([], "daily", 600, True):
        wrong("availability", "JSON object", availability=bad)
    behind = {"role": "application client", "peer": "coap+uart://1", "availability": given}
    wrong("availability", "client", **behind)


def test_counters():
    equal((config().counters, config(counters=None).counters), (None, None))
    equal(config(counters={"interval": 3600}).counters, {"interval": 3600})
    wrong("counters.interval", ("is missing", "an integer from 60 to 31536000"), counters={})
    for bad in (0, 59, -1, 31536001, 3600.0, "3600", True, None, []):
        wrong("counters.interval", "an integer from 60 to 31536000", counters={"interval": bad})
    wrong("counters.every", "not a key", counters={"interval": 60, "every": 1})
    for bad in ([], 3600, "hourly", True):
        wrong("counters", "JSON object", counters=bad)
    behind = {"role": "application client", "peer": "coap+uart://1", "counters": {"interval": 60}}
    wrong("counters", "client", **behind)


def test_update():
    # RFC 8554 section 6.1: levels, then LMS type, LM-OTS type, I of 16 octets and T[1] of 32 (24: RFC 9858)
    plain = "000000010000000600000003" + "5a" * 48
    short = "000000020000000e00000008" + "5A" * 40
    equal((config().update, config(update=None).update), (None, None))
    equal(config(update={"key": plain}).update, {"key": bytes.fromhex(plain)})
    equal(config(update={"key": short}).update, {"key": bytes.fromhex(short)})
    wrong("update.key", ("is missing", "msgin5g keys"), update={})
    wrong("update.key", "hexadecimal digits", update={"key": plain[:-1] + "x"})
    for bad in ("", plain + "5a", short[:-2]):
        wrong("update.key", "52 to 60 octets", update={"key": bad})
    wrong("update.key", "two for an octet", update={"key": plain[:-1]})
    wrong("update.from", "not a key", update={"key": plain, "from": 1})
    for bad in ("on", 60, []):
        wrong("update", "JSON object", update=bad)
    wrong("update", "client", role="application client", peer="coap+uart://1", update={"key": plain})


def test_triggers():
    equal((config().triggers, config(triggers=None).triggers), (None, None))
    equal(config(triggers={"port": 5005}, ue_id="urn:imei:1").triggers, {"port": 5005})
    wrong("triggers", "ue_id", triggers={"port": 5005})
    wrong("triggers.port", "is missing", triggers={}, ue_id="urn:imei:1")
    for bad in (0, 65536, -1, 5005.5, "5005", True, None):
        wrong("triggers.port", "an integer from 1 to 65535", triggers={"port": bad}, ue_id="urn:imei:1")
    wrong("triggers.sms", "not a key", triggers={"port": 5005, "sms": 1}, ue_id="urn:imei:1")
    wrong("triggers", "JSON object", triggers=5005, ue_id="urn:imei:1")
    behind = {"role": "application client", "peer": "coap+uart://1", "triggers": {"port": 5005}}
    wrong("triggers", "client", **behind)
    wrong("ue_id", "1 to 255 octets", triggers={"port": 5005}, ue_id="")
