# SPDX-License-Identifier: MIT
"""Runs a Relay UE: `msgin5g relay --listen HOST:65401 --server HOST:PORT`."""

import argparse
import asyncio
import contextlib
import resource
import signal

from tools.errors import UsageError
from tools.gateway import values
from tools.gateway.running.relay.clients import MOST
from tools.gateway.running.relay.relay import Itself, Options, Relay
from tools.page.events import to_stdout
from tools.page.sinks import say
from tools.server.settings import PORT
from tools.words import in_words, with_name

_MOST, _OTHERS = 65536, 64  # clients that may be asked for; descriptors for all else


def _server(text):
    """HOST or HOST:PORT; an IPv6 address with a port goes in brackets."""
    has_port = "]:" in text or text.count(":") == 1
    try:
        host, port = values.endpoint(text if has_port else "%s:%d" % (text, PORT))
        host = host if "%" in host else values.host(host)  # an address of one link needs the link's name
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            "%r is not HOST:PORT of the server: 192.0.2.1:65401, [2001:db8::1]:65401" % text
        ) from None
    if not port or host in ("0.0.0.0", "::"):
        raise argparse.ArgumentTypeError("%r is nowhere to send to: give the address of the server" % text)
    return host, port


def _clients(text):
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError("%r is not a number of clients from 1 to %d" % (text, _MOST))
    return int(text)


def add_arguments(parser):
    add = parser.add_argument
    add(
        "--listen",
        metavar="HOST:PORT",
        type=values.endpoint,
        default=("127.0.0.1", PORT),
        help="where clients send to (default 127.0.0.1:%d; 0.0.0.0:%d for other machines)" % (PORT, PORT),
    )
    add("--server", metavar="HOST:PORT", type=_server, required=True, help="the MSGin5G Server, or a gateway")
    add(
        "--server-name",
        metavar="NAME",
        type=values.host,
        action="append",
        default=[],
        help="another name that clients have for the server (Uri-Host); several times",
    )
    add(
        "--idle",
        metavar="S",
        type=values.seconds,
        default=Options.idle,
        help="a client that was silent for so long is gone (%(default)s s)",
    )
    add("--clients", metavar="N", type=_clients, default=MOST, help="that have a place at once (%(default)s)")
    add(
        "--metrics",
        metavar="FILE",
        type=_prom,
        help="figures for Prometheus, each 10 s: a .prom file where node_exporter's textfile collector looks",
    )
    values.add_events(add)


def _prom(text):
    if not text.endswith(".prom"):
        raise argparse.ArgumentTypeError("%r is no name that node_exporter reads: it ends in .prom" % text)
    return text


def main(args):
    try:
        events = values.events_of(args)
    except OSError as error:
        raise UsageError("relay: %s" % with_name(error)) from None
    options = Options(args.listen, args.server, tuple(args.server_name), args.idle, args.clients)
    _make_room(args.clients)
    try:
        return asyncio.run(_serve(options, to_stdout(events), args.metrics))
    except Itself as error:
        raise UsageError("relay: %s" % error) from None
    except OSError as error:
        raise UsageError(
            "relay: cannot listen on UDP port %d of %s (%s): give another --listen HOST:PORT"
            % (args.listen[1], args.listen[0], in_words(error))
        ) from None
    except KeyboardInterrupt:
        return 130
    finally:
        if events:
            events.close()


def _make_room(clients):
    """Each client is a descriptor, and a system gives a program few of them until it asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = clients + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _serve(options, events, metrics):
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Relay(options, events) as relay:
        with _told(relay, events, metrics) if metrics else contextlib.nullcontext():
            await stop.wait()
    say("stopped")
    return 0


@contextlib.contextmanager
def _told(relay, events, path):
    """Figures are in this file meanwhile. Raises UsageError where it cannot be written."""
    from tools.gateway.running.relay.figures import SECONDS, Figures  # by who asks for them

    figures = Figures(relay, events, path)
    try:
        figures.write()
    except OSError as error:
        raise UsageError("relay: --metrics %s: %s" % (path, in_words(error))) from None
    relay.every(SECONDS, figures.look)
    try:
        yield
    finally:
        figures.remove()
