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

from tools.application.calls import Calls, ServerError, read_token
from tools.application.posted import Posted
from tools.application.values import Message, Report, message_body
from tools.cli.parser import Parser
from tools.demo.feed import Feed
from tools.gateway.values import endpoint
from tools.words import why

DELIVER = "/msgs-msgdelivery/v1/deliver-"
DELIVERY = {
    "L3G": "/msgg-l3gdelivery/v1/deliver-",
    "N3G": "/msgg-n3gdelivery/v1/deliver-",
    "BMG": "/msgg-bgdelivery/v1/deliver-",
}


class Delivered(Message):
    """A Message with the `priority` that message gateways are told."""

    def __init__(self, body):
        super().__init__(body)
        self.priority = body.get("priority")


class MessageGateway:
    """An async context manager. `kind`: "L3G", "N3G" or "BMG". Its `uri` is for `l3g add --uri`, `n3g add --uri` or
    `--bmg AREA=`. `messages` and `reports` hold what it was sent, each once. What asks for a report is reported as
    delivered: behind an emulated gateway every UE is there. A broadcast is reported by nobody."""

    def __init__(self, kind, gateway=("127.0.0.1", 8065), token=None, port=0):
        self.kind = kind
        self.messages = Feed()
        self.reports = Feed()
        self._port = port
        paths = ("message",) if kind == "BMG" else ("message", "report")
        paths = [DELIVERY[kind] + path for path in paths]
        report = None if kind == "BMG" else self._report
        self._posted = Posted(report, self.reports.add, Delivered, paths)
        self.calls = Calls("http://%s:%d" % gateway, token)

    async def __aenter__(self):
        self.uri = "http://127.0.0.1:%d" % await self._posted.listen("127.0.0.1", self._port)
        await self.calls.__aenter__()
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *exception):
        self._following.cancel()
        await self._posted.close()
        await self.calls.__aexit__(*exception)

    async def _follow(self):
        async for message in self._posted.each():
            self.messages.add(message)

    @property
    def repeated(self):
        return self._posted.repeated

    async def _report(self, message):
        report = Report(message.to, message.message_id, True, to=message.sender)
        try:
            await self.calls.post(DELIVER + "report", report.body(message.to_type, message.sender_type))
        except ServerError:
            return False
        return True

    async def send(self, ue, to, payload, kind="UE", report=True):
        """UEMessageDelivery of one of its UEs; the message ID. Raises ServerError, also where it failed at once."""
        message_id = str(uuid.uuid4())
        ends = ({"addrType": "UE", "addr": ue}, {"addrType": kind, "addr": to})
        ack, _ = await self.calls.post(
            DELIVER + "ue-message", message_body(*ends, message_id, payload, False, report)
        )
        if ack.get("status") == "DELY_FAILED":
            raise ServerError(f"the server did not take a message for {to}: {ack.get('failureCause')}")
        return message_id

    async def message(self, payload):
        """The first message with this payload."""
        return await self.messages.until(
            lambda message: message.payload == payload, f"the {self.kind} to receive {payload!r}"
        )

    async def report(self, message_id):
        """The delivery report on a message of one of its UEs."""
        return await self.reports.until(
            lambda report: report.message_id == message_id,
            f"the {self.kind} to receive the report on {message_id}",
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
    try:
        return read_token(path)
    except OSError as error:
        fail("--token-file %s: %s" % (path, why(error)))
    except ValueError as error:
        fail("--token-file %s: %s" % (path, error))


def line_of(came):
    """What is printed of a Message or a Report."""
    ends = (came.sender, came.to)
    if isinstance(came, Report):
        cause = ", " + ascii(came.cause)[:200] if came.cause else ""
        return "report  %s -> %s: %s" % (*ends, ("delivered" if came.delivered else "not delivered") + cause)
    return "message %s -> %s: %s" % (*ends, ascii(came.payload)[:200])


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
        except ServerError as error:
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
