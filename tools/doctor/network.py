# SPDX-License-Identifier: MIT
"""The ports that the gateway listens on: free, or whose."""

import contextlib
import errno
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.doctor.finding import lacks, ok, unknown
from tools.words import in_words

STANDARD = 5683  # of coap:// (RFC 7252 section 12.6)
_KINDS = {socket.SOCK_DGRAM: "UDP", socket.SOCK_STREAM: "TCP"}
_OURS = "msgin5g"
_LONGEST = 120  # characters of a command


@dataclass(frozen=True)
class Owner:
    """The process that has a port: its number, and its command line."""

    pid: int
    words: tuple[str, ...]

    def __str__(self):
        return f"process {self.pid}" + (f" ({' '.join(self.words)[:_LONGEST]})" if self.words else "")


def coap_port(_machine, args):
    """The port that the gateway has by default, or that was named; and the standard one of CoAP."""
    yield _port("CoAP", args.coap, socket.SOCK_DGRAM, "--coap")
    if args.coap[1] != STANDARD:
        yield _port("CoAP", (args.coap[0], STANDARD), socket.SOCK_DGRAM, "--coap")


def http_port(_machine, args):
    """That of the page and of Application Servers."""
    yield _port("HTTP", args.http, socket.SOCK_STREAM, "--http")


def _port(what, address, kind, option):
    host, port = address
    check = f"{what} port {port}/{_KINDS[kind]}"
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:  # as servers do it: the end of an earlier one is no hindrance
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        if error.errno == errno.EACCES:
            return lacks(check, "only root may listen there", f"take one above 1023 with {option} HOST:PORT")
        if error.errno != errno.EADDRINUSE:
            return unknown(check, f"{host}: {in_words(error)}")
    else:
        return ok(check, "is free")
    owner = _owner(port, kind)
    if owner and any(Path(word).name == _OURS for word in owner.words):
        return ok(check, f"{owner} listens there")
    return lacks(
        check, f"{owner or 'another program'} has it", f"end that, or take another with {option} HOST:PORT"
    )


def _owner(port, kind):
    """Who has it, None where this system does not tell."""
    with contextlib.suppress(psutil.Error, OSError):
        for each in psutil.net_connections("udp" if kind == socket.SOCK_DGRAM else "tcp"):
            listens = kind == socket.SOCK_DGRAM or each.status == psutil.CONN_LISTEN
            if each.laddr and each.laddr.port == port and listens and each.pid:
                return Owner(each.pid, tuple(psutil.Process(each.pid).cmdline()))
    return None
