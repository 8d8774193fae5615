# SPDX-License-Identifier: MIT
"""The options of programs that run: in groups, each for the programs that it means something to."""

import argparse
import urllib.parse

from tools.gateway.commands import ues
from tools.gateway.commands.areas import broadcast_gateway
from tools.gateway.commands.shared import STORE_HELP, domain, service_id
from tools.gateway.function.settings import ALL, REGISTERED, FunctionSettings
from tools.gateway.running import draining
from tools.gateway.running.options import Options
from tools.gateway.running.serving import Mistake
from tools.gateway.values import (
    add_events,
    base_uri,
    callback_uri,
    endpoint,
    host,
    octets,
    path_segment,
    seconds,
    server_uri,
    whom,
)
from tools.server.settings import PORT, Settings
from tools.wire.capture import LARGEST


def add_common(parser):
    """Where it listens, what it remembers, what it tells."""
    add = parser.add_argument
    add(
        "--security",
        choices=["oscore", "none"],
        default="oscore",
        help="oscore (default): devices with a key of `msgin5g provision`; none: everything in the clear",
    )
    add(
        "--coap",
        metavar="HOST:PORT",
        type=endpoint,
        default=("127.0.0.1", PORT),
        help="default 127.0.0.1:%d" % PORT,
    )
    add(
        "--http",
        metavar="HOST:PORT",
        type=endpoint,
        default=("127.0.0.1", 8065),
        help="default 127.0.0.1:8065; where others can reach it, each Application Server needs a token (as add)",
    )
    add(
        "--http-host",
        metavar="NAME",
        type=host,
        action="append",
        default=[],
        help="a name or address that the HTTP side is called by, besides where it listens and localhost; several times",
    )
    add(
        "--tls-cert",
        metavar="FILE",
        help="the HTTP side speaks TLS, with this certificate and its chain in PEM; it is read again at SIGHUP, and"
        " when it is another one",
    )
    add("--tls-key", metavar="FILE", help="its key in PEM (default: in the same FILE)")
    add(
        "--ca",
        metavar="FILE",
        help="certificates in PEM of who says who is behind https:// (default: those that the system trusts)",
    )
    add("--store", metavar="FILE", default="gateway.db", help=STORE_HELP)
    add_events(add)
    add(
        "--coap-ack-timeout",
        metavar="S",
        type=seconds,
        default=2.0,
        help="ACK_TIMEOUT of RFC 7252 (%(default)s s)",
    )
    add(
        "--drain",
        metavar="S",
        type=seconds,
        default=draining.SECONDS,
        help="how long what is under way may take when it is stopped (%(default)s s); a second signal ends it at once",
    )
    add(
        "--pcap",
        metavar="FILE",
        help="write what is said and heard into this file, in pcapng for Wireshark and `msgin5g trace`; at %d MiB it"
        " gets .1 behind its name, and a new one begins" % (LARGEST >> 20),
    )
    add("--coap-log", action="store_true", help="log each CoAP message to stderr")


def node_name(text):
    """The name of a node. Raises argparse.ArgumentTypeError."""
    if not 1 <= len(text.encode()) <= 200 or not text.isprintable():
        raise argparse.ArgumentTypeError("%r is no name of 1 to 200 octets" % text)
    return text


def add_server(parser):
    """Of the MSGin5G Server."""
    add = parser.add_argument
    default = Settings()
    add("--open", action="store_true", help="let any UE Service ID register, not only those of `device add`")
    add("--admin", action="store_true", help="serve POST /admin/push, for tests")
    add(
        "--bmg",
        type=broadcast_gateway,
        metavar="AREA=URI",
        action="append",
        default=[],
        help="the Broadcast Message Gateway of a broadcast area, http://...; may be given several times",
    )
    add(
        "--lifetime",
        metavar="S",
        type=seconds,
        default=default.lifetime,
        help="longest registration granted (%(default)s s)",
    )
    add(
        "--keep",
        metavar="S",
        type=seconds,
        default=default.keep,
        help="life of messages without an expiry, and the longest of any (%(default)s s)",
    )
    add(
        "--max-datagram",
        metavar="N",
        type=octets(256),
        default=default.max_datagram,
        help="largest datagram (%(default)s)",
    )
    add(
        "--max-message",
        metavar="N",
        type=octets(1),
        default=default.max_message,
        help="largest message (%(default)s octets)",
    )
    add(
        "--quota",
        metavar="N",
        type=octets(1),
        default=default.quota,
        help="messages of one originator that may wait, and as many of its reports (%(default)s)",
    )
    add(
        "--quota-octets",
        metavar="N",
        type=octets(1),
        default=default.quota_octets,
        help="octets of the messages of one originator that may wait (%(default)s)",
    )
    add(
        "--application-servers",
        metavar="N",
        type=octets(1),
        default=default.application_servers,
        help="that may be registered at once (%(default)s)",
    )
    add(
        "--abreast",
        metavar="N",
        type=octets(1, "requests"),
        default=default.abreast,
        help="messages that are on their way to one Application Server at once, of one originator one (%(default)s)",
    )
    add(
        "--assign",
        metavar="DOMAIN",
        type=domain,
        help="a UE ID that asks for its configuration and has none gets a UE Service ID of this domain",
    )
    add(
        "--groups-by",
        choices=("any", "admin"),
        default=default.groups_by,
        help="who may make groups: any UE that is registered, or admin, by `group add` only (%(default)s)",
    )
    add(
        "--config-server",
        metavar="URI",
        type=ues.server_uri,
        help="MSGin5G Server that UEs are told where `ue add` names none (default: the address that they ask)",
    )
    add(
        "--config-format",
        choices=["json", "xml"],
        default="json",
        help="of what a UE is told: JSON (default), or the XML of TS 24.538 clause 7.2",
    )
    add(
        "--exposure",
        metavar="URI",
        type=base_uri,
        help="http://HOST:PORT of the network's exposure function (NEF, TS 29.122): it is asked when a UE that does not"
        " answer can be reached, and to trigger those that are away",
    )
    add(
        "--exposure-as",
        metavar="ID",
        type=path_segment,
        default=default.exposure_as,
        help="what this server is called there, its scsAsId (%(default)s)",
    )
    add(
        "--callback",
        metavar="URI",
        type=callback_uri,
        help="by which it reaches the HTTP side of this server (default: where --http listens)",
    )
    add(
        "--segment-gap",
        metavar="S",
        type=seconds,
        default=default.segment_gap,
        help="before SEGREC (%(default)s s)",
    )
    add(
        "--segment-hold",
        metavar="S",
        type=seconds,
        default=default.hold,
        help="wait for SEGCONFIR (%(default)s s)",
    )
    add(
        "--aggregate",
        metavar="S",
        type=seconds,
        default=default.aggregate,
        help="single messages of one originator to one recipient wait so many seconds for each other, and go as one"
        " (default: each goes at once by itself)",
    )
    add(
        "--retry-min",
        metavar="S",
        type=seconds,
        default=default.retry_min,
        help="first pause (%(default)s s)",
    )
    add(
        "--retry-max",
        metavar="S",
        type=seconds,
        default=default.retry_max,
        help="longest pause (%(default)s s)",
    )


def add_lines(parser):
    """Of serial lines."""
    add = parser.add_argument
    add(
        "--serial",
        metavar="PORT",
        action="append",
        default=[],
        help="a serial line with slipmux frames, /dev/ttyACM0; may be given several times",
    )
    add("--baudrate", metavar="N", type=octets(300), default=115200, help="of the serial lines (%(default)s)")
    add(
        "--serial-flow",
        choices=("none", "rtscts"),
        default="none",
        help="flow control of the serial lines, as in the devices' serial.flow (%(default)s)",
    )
    add(
        "--serial-max-frame",
        metavar="N",
        type=octets(64),
        default=1152,
        help="largest L3 message on a line, as in the devices' serial.max_frame (%(default)s octets)",
    )


def add_gateway(parser):
    """Of the Gateway UE."""
    add = parser.add_argument
    add(
        "--ue",
        metavar="ID",
        dest="name",
        type=service_id,
        help="the gateway's own UE Service ID, which its server knows it by, and devices that look for a gateway hear",
    )
    add(
        "--upstream",
        metavar="URI",
        type=server_uri,
        help="coap://HOST[:PORT] of an MSGin5G Server; without it, there is one in this process",
    )
    add(
        "--upstream-key",
        metavar="FILE",
        help="keys of the gateway itself: the file that `msgin5g server device add ID --gateway --key FILE` made",
    )
    add(
        "--upstream-security",
        choices=["oscore", "none"],
        help="toward the server (default: as --security)",
    )
    default = FunctionSettings()
    add(
        "--bulk-interval",
        metavar="S",
        type=seconds,
        default=default.bulk_interval,
        help="the longest that a registration which may wait, or a request for a configuration, is held for others"
        " (%(default)s s)",
    )
    add(
        "--bulk-max",
        metavar="N",
        type=octets(1, "requests"),
        default=default.bulk_max,
        help="held requests that go to the server at once (%(default)s)",
    )
    add(
        "--bulk-configuration",
        metavar="WHOM",
        nargs="?",
        type=whom,
        const=REGISTERED,
        help="hold what devices ask for their configuration, too, and ask for many at once: of those that are"
        " %(const)s to the gateway service, or all, those out of the box too (default: nobody's; without a word,"
        " %(const)s)",
    )
    add(
        "--bulk-wait",
        metavar="S",
        type=seconds,
        default=default.bulk_wait,
        help="how long a device is told to wait for its configuration (%(default)s s)",
    )
    add(
        "--gateway-ues",
        metavar="N",
        type=octets(1, "UEs"),
        default=default.gateway_ues,
        help="registered to the gateway service at once (%(default)s)",
    )
    add("--no-discovery", action="store_true", help="do not answer devices that look for a gateway")


def _needs_open(args, option):
    if args.security == "none" and not args.open:
        raise Mistake(
            "%s with --security none needs --open: nobody may ask for a configuration without" % option
        )


def settings_of(args):
    """Raises Mistake."""
    if args.assign:
        _needs_open(args, "--assign")
    areas = [area for area, _ in args.bmg]
    twice = next((area for area in areas if areas.count(area) > 1), None)
    if twice is not None:
        raise Mistake("--bmg %s is given twice: an area has one Broadcast Message Gateway" % twice)
    return Settings(
        open=args.open,
        lifetime=args.lifetime,
        keep=args.keep,
        max_datagram=args.max_datagram,
        max_message=args.max_message,
        quota=args.quota,
        quota_octets=args.quota_octets,
        application_servers=args.application_servers,
        abreast=args.abreast,
        segment_gap=args.segment_gap,
        hold=args.segment_hold,
        aggregate=args.aggregate,
        retry_min=args.retry_min,
        retry_max=max(args.retry_min, args.retry_max),
        assign=args.assign,
        groups_by=args.groups_by,
        broadcast_gateways=tuple(args.bmg),
        configuration_xml=args.config_format == "xml",
        configuration_server=args.config_server,
        exposure=args.exposure,
        exposure_as=args.exposure_as,
        callback=args.callback,
    )


def options_of(args, settings, **more):
    """`more`: what only some programs have."""
    callback = [host(urllib.parse.urlsplit(args.callback).hostname)] if args.callback else []
    return Options(
        settings=settings,
        coap=args.coap,
        http=args.http,
        store=args.store,
        node=getattr(args, "node", None),
        ack_timeout=args.coap_ack_timeout,
        admin=args.admin,
        security=args.security,
        pcap=args.pcap,
        http_hosts=(*args.http_host, *callback),
        tls=(args.tls_cert, args.tls_key) if args.tls_cert else None,
        ca=args.ca,
        **more,
    )


def gateway_options(args):
    """Options that only a program with a Gateway UE has. Raises Mistake."""
    if args.bulk_configuration == ALL:
        _needs_open(args, "--bulk-configuration all")
    return {
        "serial": tuple(args.serial),
        "baudrate": args.baudrate,
        "max_frame": args.serial_max_frame,
        "rtscts": args.serial_flow == "rtscts",
        "discovery": not args.no_discovery,
        "name": args.name,
        "function": {
            "bulk_interval": args.bulk_interval,
            "bulk_max": args.bulk_max,
            "bulk_configuration": args.bulk_configuration or "",
            "bulk_wait": args.bulk_wait,
            "gateway_ues": args.gateway_ues,
        },
    }
