# SPDX-License-Identifier: MIT
"""Emulated message gateways of TS 29.538: Legacy 3GPP (l3g), Non-3GPP (n3g) and Broadcast (bmg).

    python -m tools.demo.message_gateways l3g --listen 8071 --server 127.0.0.1:8065 --token-file FILE

prints a line for each message and each report that it gets, and sends what stands on a line of standard input: the UE
Service ID of one of its UEs, that of the recipient, and the text.
"""

import argparse
import asyncio
import sys
import threading
import uuid

import aiohttp

from tools.cli.parser import Parser
from tools.demo.application_server import Posted
from tools.demo.feed import Unseen
from tools.gateway.values import endpoint
from tools.words import why

DELIVER_UE_MESSAGE = "/msgs-msgdelivery/v1/deliver-ue-message"
DELIVERY = {
    "L3G": "/msgg-l3gdelivery/v1/deliver-",
    "N3G": "/msgg-n3gdelivery/v1/deliver-",
    "BMG": "/msgg-bgdelivery/v1/deliver-",
}


class MessageGateway(Posted):
    """`kind`: "L3G", "N3G" or "BMG". Its `uri` is for `l3g add --uri`, `n3g add --uri` or `--bmg AREA=`. What asks for
    a report is reported as delivered: behind an emulated gateway every UE is there. A broadcast is reported by
    nobody."""

    def __init__(self, kind, gateway=("127.0.0.1", 0), token=None, port=0):
        super().__init__(gateway, kind != "BMG", token, port)
        self.kind = kind
        self.paths = tuple(
            DELIVERY[kind] + what for what in ("message", "report")[: 1 if kind == "BMG" else 2]
        )

    def own(self, message):
        return message["destAddr"]

    async def send(self, ue, to, payload, kind="UE", report=True):
        """UEMessageDelivery of one of its UEs; the message ID. Raises Unseen where the server says that it failed."""
        message_id = str(uuid.uuid4())
        body = {
            "oriAddr": {"addrType": "UE", "addr": ue},
            "destAddr": {"addrType": kind, "addr": to},
            "msgId": message_id,
            "stoAndFwInd": False,
            "delivStReqInd": report,
            "payload": payload,
        }
        ack = await self._post(DELIVER_UE_MESSAGE, body)
        if ack.get("status") == "DELY_FAILED":
            raise Unseen(f"the server did not take a message for {to}: {ack.get('failureCause')}")
        return message_id

    async def message(self, payload):
        """The first message with this payload."""
        return await self.messages.until(
            lambda body: body.get("payload") == payload, f"the {self.kind} to receive {payload!r}"
        )

    async def report(self, message_id):
        """The delivery report on a message of one of its UEs."""
        return await self.reports.until(
            lambda body: body["msgId"] == message_id, f"the {self.kind} to receive the report on {message_id}"
        )


# ---- on a command line -----------------------------------------------------------------------------------------------


def _arguments():
    parser = Parser(prog="python -m tools.demo.message_gateways")
    parser.add_argument("kind", choices=["l3g", "n3g", "bmg"])
    parser.add_argument(
        "--listen", metavar="PORT", type=_port, default=0, help="where the server posts to (default: any)"
    )
    parser.add_argument(
        "--server",
        metavar="HOST:PORT",
        type=endpoint,
        default=("127.0.0.1", 8065),
        help="the HTTP of the MSGin5G Server (default 127.0.0.1:8065)",
    )
    parser.add_argument("--token-file", metavar="FILE", help="what `l3g add` or `n3g add` printed")
    args = parser.parse_args()
    args.token = _token(args.token_file, parser.error) if args.token_file else None
    return args


def _port(text):
    if not text.isdecimal() or len(text) > 5 or int(text) > 65535:
        raise argparse.ArgumentTypeError("%r is no port, 0 to 65535" % text[:64])
    return int(text)


def _token(path, fail):
    """The last word in the file, so that all that `add` printed may be in it."""
    try:
        with open(path, encoding="utf-8") as file:
            words = file.read().split()
    except (OSError, UnicodeDecodeError) as error:
        fail("--token-file %s: %s" % (path, why(error)))
    return words[-1] if words else fail("--token-file %s: there is no token in it" % path)


def line_of(body):
    """What is printed of a body that it got."""
    ends = (body["oriAddr"]["addr"], body["destAddr"]["addr"])
    if "delivSt" in body:
        return "report  %s -> %s: %s" % (*ends, body["delivSt"] + _cause(body))
    return "message %s -> %s: %s" % (*ends, ascii(body.get("payload", ""))[:200])


def _cause(body):
    return ", " + ascii(body["failureCause"])[:200] if "failureCause" in body else ""


async def _told(feed):
    place = 0
    while True:
        await feed.reach(place + 1, "more", None)
        print(line_of(feed.items[place]), flush=True)
        place += 1


def _follow(loop, lines):
    """What comes on standard input, which may be a terminal, a pipe or a file; None at its end."""
    for line in sys.stdin.buffer if sys.stdin else ():
        loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace"))
    loop.call_soon_threadsafe(lines.put_nowait, None)


async def _typed(gateway):
    lines = asyncio.Queue()
    threading.Thread(target=_follow, args=(asyncio.get_running_loop(), lines), daemon=True).start()
    while (line := await lines.get()) is not None:
        words = line.split(maxsplit=2)
        if len(words) < 3:
            print("say: UE RECIPIENT TEXT", flush=True)
            continue
        try:
            print("sent    " + await gateway.send(words[0], words[1], words[2].strip()), flush=True)
        except (Unseen, ConnectionError, aiohttp.ClientError) as error:
            print("not sent: %s" % error, flush=True)


async def _run(args):
    async with MessageGateway(args.kind.upper(), args.server, args.token, args.listen) as gateway:
        print("listening " + gateway.uri, flush=True)
        tasks = [asyncio.create_task(_told(feed)) for feed in (gateway.messages, gateway.reports)]
        try:
            await _typed(gateway)
            await asyncio.gather(*tasks)  # its input is at its end: it goes on listening
        finally:
            for task in tasks:
                task.cancel()


if __name__ == "__main__":
    try:
        asyncio.run(_run(_arguments()))
    except KeyboardInterrupt:
        pass
    except OSError as error:  # the port is taken
        sys.exit("message_gateways: %s" % (why(error)))
