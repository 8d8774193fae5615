# SPDX-License-Identifier: MIT
"""Runs the emulated MSGin5G Gateway UE with the MSGin5G Server built in.

Errors of the user are one line that says what to do, and exit code 2.
"""

import argparse
import asyncio
import logging
import signal
import sqlite3
import sys

from tools.gateway import appcommands, ascommands, devicecommands, quarantinecommands
from tools.gateway.keys import KeyFileError
from tools.gateway.runtime import AddressInUse, Gateway, Options
from tools.page.events import to_stdout
from tools.page.sinks import say
from tools.server.hosts import address_of, is_loopback, name_of
from tools.server.settings import PORT, Settings
from tools.store.store import StoreError
from tools.wire.bodies import is_service_id

WARNING = (
    "WARNING: --security none: no authentication and no encryption. Whoever reaches the address can register and send."
    " Keep it on a network that you trust."
)
HTTP_WARNING = (
    "WARNING: --http %s can be reached by other machines, and what goes there is not encrypted: bearer tokens and"
    " messages can be read on the way. Put a proxy with TLS before it, or leave it on the loopback address."
)


def _endpoint(text):
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError("%r is not HOST:PORT" % text)
    return (host.strip("[]") or "0.0.0.0", int(port))


def _host(text):
    found = address_of(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    name = str(found) if found else None if ":" in text else name_of(text)
    if name is None:
        raise argparse.ArgumentTypeError(
            "%r is no name of a host: gateway.example.org, without a port" % text
        )
    return name


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e10:
        raise argparse.ArgumentTypeError("%r is not a number of seconds above 0" % text)
    return value


def _octets(lowest):
    def read(text):
        if not text.isdecimal() or int(text) < lowest:
            raise argparse.ArgumentTypeError("%r is not a number of octets from %d" % (text, lowest))
        return int(text)

    return read


def _service_id(text):
    if not is_service_id(text):
        raise argparse.ArgumentTypeError("a UE Service ID is 1 to 255 octets without control characters")
    return text


def add_arguments(parser):
    add = parser.add_argument
    default = Settings()
    store_help = "SQLite file that remembers all over a restart (default gateway.db; :memory: forgets)"
    add(
        "--security",
        choices=["oscore", "none"],
        default="oscore",
        help="oscore (default): devices with a key of `msgin5g provision`; none: everything in the clear",
    )
    add("--open", action="store_true", help="let any UE Service ID register, not only those of `device add`")
    add(
        "--coap",
        metavar="HOST:PORT",
        type=_endpoint,
        default=("127.0.0.1", PORT),
        help="default 127.0.0.1:%d" % PORT,
    )
    add(
        "--http",
        metavar="HOST:PORT",
        type=_endpoint,
        default=("127.0.0.1", 8065),
        help="default 127.0.0.1:8065; where others can reach it, each Application Server needs a token (as add)",
    )
    add(
        "--http-host",
        metavar="NAME",
        type=_host,
        action="append",
        default=[],
        help="a name or address that the HTTP side is called by, besides where it listens and localhost; several times",
    )
    add("--store", metavar="FILE", default="gateway.db", help=store_help)
    add(
        "--ue",
        metavar="ID",
        dest="name",
        type=_service_id,
        help="the gateway's own UE Service ID, which devices hear that look for a gateway",
    )
    add("--no-discovery", action="store_true", help="do not answer devices that look for a gateway")
    add(
        "--serial",
        metavar="PORT",
        action="append",
        default=[],
        help="a serial line with slipmux frames, /dev/ttyACM0; may be given several times",
    )
    add("--baudrate", type=_octets(300), default=115200, help="of the serial lines (%(default)s)")
    add(
        "--serial-max-frame",
        type=_octets(64),
        default=1152,
        help="largest L3 message on a line, as in the devices' serial.max_frame (%(default)s octets)",
    )
    add("--events", metavar="FILE", help="append events as JSON lines")
    add("--admin", action="store_true", help="serve POST /admin/push, for tests")
    add(
        "--lifetime",
        type=_seconds,
        default=default.lifetime,
        help="longest registration granted (%(default)s s)",
    )
    add(
        "--keep",
        type=_seconds,
        default=default.keep,
        help="life of messages without an expiry, and the longest of any (%(default)s s)",
    )
    add(
        "--max-datagram",
        type=_octets(256),
        default=default.max_datagram,
        help="largest datagram (%(default)s)",
    )
    add(
        "--max-message",
        type=_octets(1),
        default=default.max_message,
        help="largest message (%(default)s octets)",
    )
    add(
        "--quota",
        type=_octets(1),
        default=default.quota,
        help="messages of one originator that may wait, and as many of its reports (%(default)s)",
    )
    add(
        "--quota-octets",
        type=_octets(1),
        default=default.quota_octets,
        help="octets of the messages of one originator that may wait (%(default)s)",
    )
    add(
        "--application-servers",
        type=_octets(1),
        default=default.application_servers,
        help="that may be registered at once (%(default)s)",
    )
    add("--segment-gap", type=_seconds, default=default.segment_gap, help="before SEGREC (%(default)s s)")
    add("--segment-hold", type=_seconds, default=default.hold, help="wait for SEGCONFIR (%(default)s s)")
    add("--retry-min", type=_seconds, default=default.retry_min, help="first pause (%(default)s s)")
    add("--retry-max", type=_seconds, default=default.retry_max, help="longest pause (%(default)s s)")
    add("--coap-ack-timeout", type=_seconds, default=2.0, help="ACK_TIMEOUT of RFC 7252 (%(default)s s)")
    add("--coap-log", action="store_true", help="log each CoAP message to stderr")
    actions = parser.add_subparsers(dest="gateway_action", metavar="device|application|target|as|quarantine")
    appcommands.add_arguments(actions, _service_id, store_help)
    ascommands.add_arguments(actions, _service_id, store_help)
    quarantinecommands.add_arguments(actions, store_help)
    devicecommands.add_arguments(actions, _service_id, store_help)


def main(args):
    if args.retry_max < args.retry_min and args.retry_max != Settings.retry_max:
        return _fail("--retry-max is below --retry-min")
    try:
        if args.gateway_action:
            return _ACTIONS[args.gateway_action](args)
        events = open(args.events, "a", encoding="utf-8") if args.events else None
    except (StoreError, KeyFileError, OSError) as error:
        return _fail(error)
    except sqlite3.OperationalError as error:
        return _fail("the store takes nothing now (%s): try again" % error)
    return _run(args, events)


def _run(args, events):
    """Serves until somebody ends it; gives the exit code."""
    if args.security == "none":
        say(WARNING)
    if not is_loopback(args.http[0]):
        say(HTTP_WARNING % args.http[0])
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG if args.coap_log else logging.ERROR)
    logging.getLogger("aiocoap.cryptography").setLevel(logging.ERROR)  # it tells salts and IVs
    try:
        return asyncio.run(_serve(args, events))
    except (StoreError, AddressInUse) as error:
        return _fail(error)
    except KeyboardInterrupt:
        return 130
    finally:
        if events:
            events.close()


def _fail(sentence):
    print("msgin5g gateway: %s" % sentence, file=sys.stderr)
    return 2


async def _serve(args, events):
    settings = Settings(
        open=args.open,
        lifetime=args.lifetime,
        keep=args.keep,
        max_datagram=args.max_datagram,
        max_message=args.max_message,
        quota=args.quota,
        quota_octets=args.quota_octets,
        application_servers=args.application_servers,
        segment_gap=args.segment_gap,
        hold=args.segment_hold,
        retry_min=args.retry_min,
        retry_max=max(args.retry_min, args.retry_max),
    )
    options = Options(
        settings,
        args.coap,
        args.http,
        args.store,
        args.coap_ack_timeout,
        args.admin,
        tuple(args.serial),
        args.baudrate,
        args.serial_max_frame,
        args.security,
        tuple(args.http_host),
        not args.no_discovery,
        args.name,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Gateway(options, to_stdout(events)) as gateway:
        if not args.open and not gateway.store.devices():
            add = "provision --ue" if args.security == "oscore" else "gateway device add"
            say("no UE Service ID may register yet: msgin5g %s ID --store %s" % (add, args.store))
        if not is_loopback(args.http[0]) and not gateway.store.has_tokens():
            say("no Application Server may speak yet: msgin5g gateway as add ID --store %s" % args.store)
        await stop.wait()
    say("stopped")
    return 0


_ACTIONS = {
    "device": lambda args: devicecommands.main(args, _fail),
    "application": lambda args: appcommands.main(args, _fail),
    "target": lambda args: appcommands.main(args, _fail),
    "as": lambda args: ascommands.main(args, _fail),
    "quarantine": lambda args: quarantinecommands.main(args, _fail),
}
