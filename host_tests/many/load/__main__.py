# SPDX-License-Identifier: MIT
"""Load for a server: devices of the firmware's own protocol core over UDP, and Application Servers that they send to.

    make load                                                  a server of its own, 100 devices
    make load WORKERS=4 HOST=coap://10.0.0.5 HTTP=http://10.0.0.5:8065 STORE=postgresql://...
    make load WORKERS=4 MASTER=10.0.0.9:5557                   on another machine: four workers more

Exit code 1 where anything that was accepted was lost, or came twice; 2 where it could not be run.
"""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import urllib.parse
from pathlib import Path

from host_tests.many.load import master as masters
from host_tests.many.load import own
from host_tests.many.load.device import ROOT
from tools.errors import UsageError
from tools.impair import PROFILES
from tools.store.faults import StoreError
from tools.store.opening import open_store

PORT = 5557  # of a master, by locust


def arguments():
    parser = argparse.ArgumentParser(prog="make load", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--workers", type=_count, default=1, help="processes of this machine that have devices (%(default)s)")
    add("--elsewhere", type=int, default=0, metavar="N", help="workers of other machines that are waited for")
    add("--listen", type=_address, metavar="HOST:PORT", help="for those; keys go this way in the clear")
    add("--master", type=_address, metavar="HOST:PORT", help="be workers of the master that listens there")
    add("--host", metavar="coap://HOST:PORT", help="the server (default: one of its own, for this run)")
    add("--http", metavar="http://HOST:PORT", help="its HTTP side")
    add("--store", metavar="FILE|postgresql://...", help="its store: the devices get new keys in it")
    add("--security", choices=("oscore", "none"), default="oscore")
    add("--devices", type=_count, default=100, help="(%(default)s)")
    add("--servers", type=_count, default=2, help="Application Servers of each worker (%(default)s)")
    add("--seconds", type=_positive, default=40, help="how long all of them send (%(default)s)")
    add("--every", type=_positive, default=5, metavar="S", help="of a device, on average (%(default)s)")
    add("--octets", type=_count, default=100, help="of a message (%(default)s)")
    add("--rate", type=_positive, default=20, help="devices that begin a second (%(default)s)")
    add("--windows", type=_percent, default=0, help="of a hundred devices that listen 10 s in 30")
    add("--network", choices=PROFILES, default="lossy-2", help="see tools/impair.py (%(default)s)")
    add("--seed", type=int, default=1)
    add(
        "--patience",
        type=_positive,
        default=150,
        metavar="S",
        help="for what is under way at the end (%(default)s)",
    )
    add("--page", type=_address, metavar="HOST:PORT", help="locust's page, while it runs")
    add(
        "--json",
        type=Path,
        default=ROOT / "build/load/load.json",
        help="(build/load/load.json), and .html beside it",
    )
    return parser


def main():
    parser = arguments()
    args = parser.parse_args()
    try:
        if args.master is not None:
            return _be_workers(args)
        with contextlib.ExitStack() as stack:
            return _lead(args, stack)
    except (UsageError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _lead(args, stack):
    store = args.store
    if args.host is None:
        if store is not None or args.http is not None:
            raise UsageError(
                "load: --store and --http are those of a server: name it, --host coap://HOST:PORT"
            )
        args.host, args.http, store = stack.enter_context(own.server(args.security))
    _look_at(args, store)
    if args.elsewhere and args.listen is None:
        raise UsageError("load: where do workers of other machines find this one? --listen 0.0.0.0:%d" % PORT)
    listen = args.listen or ("127.0.0.1", _free_port())
    desk = None
    if args.security == "oscore":
        desk = stack.enter_context(contextlib.closing(open_store(store, serving=False, create=False)))
    plan = {key: getattr(args, key) for key in PLAN} | {"coap": args.host}
    workers = stack.enter_context(_Workers(args.workers, ("127.0.0.1", listen[1])))
    master = masters.Master(plan, listen, args.page, workers.look)
    stack.callback(master.quit)
    result = master.run(args.workers + args.elsewhere, desk, say)
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(result, indent=2) + "\n")
    args.json.with_suffix(".html").write_text(master.page())
    say(json.dumps(result, indent=2))
    bad = {each: result[each] for each in masters.MUST_BE_0 if result[each]}
    if result["registered"] < args.devices:
        bad["not registered"] = args.devices - result["registered"]
    for what, count in bad.items():
        print("load: %s: %d, and must be 0" % (what.replace("_", " "), count), file=sys.stderr)
    return 1 if bad else 0


PLAN = ("http", "security", "devices", "servers", "seconds", "every", "octets", "rate", "windows", "network")
PLAN += ("seed", "patience")


def _look_at(args, store):
    """Whether what was given is whole, and somebody there."""
    parts = urllib.parse.urlsplit(args.host)
    if parts.scheme != "coap" or not parts.hostname:
        raise UsageError("load: %s is no server: --host coap://HOST:PORT" % args.host)
    http = urllib.parse.urlsplit(args.http or "")
    if http.scheme != "http" or not http.hostname:
        raise UsageError("load: where do Application Servers find %s? --http http://HOST:PORT" % args.host)
    if args.security == "oscore" and store is None:
        raise UsageError(
            "load: its devices need keys that the server knows: --store, the one that the server has; "
            "or --security none, for a server with --security none --open"
        )
    try:
        socket.create_connection((http.hostname, http.port or 80), 5).close()
    except OSError as error:
        raise UsageError(
            "load: nobody answers at %s (%s): start the server, or name no --host for one of its own"
            % (args.http, error.strerror or error)
        ) from None


class _Workers:
    """The worker processes of this machine, which end with this block."""

    def __init__(self, count, master):
        self._count, self._master = count, master
        self._all = []

    def __enter__(self):
        command = [sys.executable, "-m", "host_tests.many.load.worker", self._master[0], str(self._master[1])]
        self._all = [subprocess.Popen(command, cwd=ROOT) for _ in range(self._count)]
        return self

    def __exit__(self, *_):
        for each in self._all:
            try:
                each.wait(10)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()

    def look(self):
        for each in self._all:
            if each.poll() is not None:
                raise UsageError("load: a worker has ended, exit code %d" % each.returncode)

    def wait(self):
        return max(each.wait() for each in self._all)


def _be_workers(args):
    try:
        socket.create_connection(args.master, 5).close()
    except OSError as error:
        raise UsageError(
            "load: no master listens at %s:%d: %s" % (*args.master, error.strerror or error)
        ) from None
    with _Workers(args.workers, args.master) as workers:
        return workers.wait()


def say(text):
    print(text, flush=True)


def _free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _address(text):
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = text, str(PORT)
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError("%r is no HOST:PORT" % text)
    return host, int(port)


def _number(text, least, most, what):
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError("%r is no %s" % (text, what))
    return number


def _positive(text):
    return _number(text, 0.001, 1e9, "number above 0")


def _percent(text):
    return _number(text, 0, 100, "number from 0 to 100")


def _count(text):
    number = _number(text, 1, 1e6, "whole number from 1 to 1,000,000")
    if number != int(number):
        raise argparse.ArgumentTypeError("%r is no whole number" % text)
    return int(number)


if __name__ == "__main__":
    sys.exit(main())
