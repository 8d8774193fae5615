# SPDX-License-Identifier: MIT
"""A gateway with its server, an Application Server and a device, on this machine: each step seen on the other side."""

import argparse
import asyncio
import contextlib
import signal

from tools.demo.nodes_story import MOST, tell_nodes_story
from tools.demo.relay_story import tell_relay_story
from tools.demo.serial_story import tell_serial_story
from tools.demo.story import tell_story
from tools.device import SMALL_HEAP, heap_size
from tools.words import complain

_STORIES = {"udp": tell_story, "serial": tell_serial_story, "relay": tell_relay_story}


def add_arguments(parser):
    parser.add_argument(
        "--heap",
        metavar="SIZE",
        type=heap_size,
        default=SMALL_HEAP,
        help="heap of the device (default: %(default)s)",
    )

    parser.add_argument(
        "--link",
        choices=list(_STORIES),
        default="udp",
        help="udp: a Client with IP; serial: an Application Client at a serial line; relay: Clients behind a relay"
        " (default: udp)",
    )

    parser.add_argument(
        "--nodes",
        metavar="N",
        type=_nodes,
        default=1,
        help="so many servers on one PostgreSQL, behind one NGINX, both of which are started for it and ended; one of"
        " the servers is killed (default: a gateway with a server and a store of its own)",
    )


def _nodes(text):
    if text.isdecimal() and 1 <= int(text) <= MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST}")


def main(args):
    if args.nodes == 1:
        story = _STORIES[args.link](args.heap)
    elif args.link == "udp":
        story = tell_nodes_story(args.nodes, args.heap)
    else:
        complain(
            f"several nodes are shown with devices at IP: leave out --link {args.link}, or --nodes {args.nodes}"
        )
        return 2
    return asyncio.run(_ended_by_signals(story))


async def _ended_by_signals(story):
    """A terminal that is closed, a `kill`: what was started is ended as on Ctrl-C."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await story
    return 130
