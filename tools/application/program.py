# SPDX-License-Identifier: MIT
"""`msgin5g as`: an Application Server at the command line, which listens or sends."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from tools import held
from tools.application import nearby
from tools.application.calls import NotReachable, Refused, ServerError, read_token
from tools.application.server import SERVER, ApplicationServer
from tools.application.telling import Teller
from tools.errors import UsageError
from tools.wire.bodies import is_service_id
from tools.wire.restreading import is_target
from tools.words import why

_AGAIN = 2  # s between tries of who waits for a server
_LONGEST = 366 * 24 * 3600  # s
_NAME = 200  # octets of the name of a file, which systems bound to 255
_LARGEST = 1 << 16  # octets of a message (TS 23.554 leaves the size open; a device takes so much)


def add_arguments(parser):
    verbs = parser.add_subparsers(metavar="VERB", dest="as_verb", required=True)
    listen = _verb(verbs, "listen", "registers, prints each message that comes, and reports it")
    listen.add_argument(
        "service_id", metavar="AS", type=_service_id, help="its AS Service ID: as:weather@example.org"
    )
    listen.add_argument(
        "--topic", metavar="NAME", action="append", default=[], help="subscribe to it; may be given again"
    )
    listen.add_argument(
        "--save", metavar="DIR", type=Path, help="each payload into a file of its own in this folder"
    )
    listen.add_argument("--count", metavar="N", type=_count, help="end after so many messages")
    listen.add_argument(
        "--http",
        metavar="HOST:PORT",
        type=_address,
        help="where the server finds it (default: this machine's address toward the server, any port)",
    )
    listen.add_argument(
        "--stay",
        action="store_true",
        help="stay registered at the end: what is sent to it meanwhile waits, and comes when it listens again",
    )
    listen.add_argument("--no-report", action="store_true", help="no delivery reports")
    send = _verb(verbs, "send", "sends a message, and waits for the report on it")
    send.epilog = (
        "With --report it ends with the report: exit code 0 where the message was delivered, 1 where not."
    )
    send.add_argument(
        "--from",
        dest="service_id",
        metavar="AS",
        type=_service_id,
        required=True,
        help="the AS Service ID that it is from; an `as listen` of it on this machine sends it and shows it, too",
    )
    to = send.add_mutually_exclusive_group(required=True)
    to.add_argument("--to", metavar="UE", type=_ue, help="a device, by its UE Service ID")
    to.add_argument("--group", metavar="ID", type=_service_id, help="each member of a group")
    to.add_argument("--topic", metavar="NAME", type=_service_id, help="whoever is subscribed to a topic")
    to.add_argument("--area", metavar="ID", type=_service_id, help="a broadcast area")
    send.add_argument("text", metavar="TEXT", nargs="?", help="the payload; - reads standard input")
    send.add_argument("--file", metavar="FILE", type=Path, help="what is in it is the payload, as octets")
    send.add_argument("--report", action="store_true", help="ask for a delivery report, and wait for it")
    send.add_argument(
        "--wait",
        metavar="S",
        type=_seconds,
        default=60,
        help="for the report at most (default: %(default)s)",
    )
    send.add_argument(
        "--expire",
        metavar="S",
        type=_seconds,
        help="until when it is kept for a recipient that is away (default: as the server does)",
    )
    send.add_argument("--priority", choices=("high", "normal", "low"), help="default: normal")
    for verb in (listen, send):
        verb.add_argument(
            "--server", metavar="URI", type=_uri, default=SERVER, help="its HTTP side (default: %(default)s)"
        )
        verb.add_argument(
            "--token-file",
            metavar="FILE",
            type=Path,
            help="holds what `msgin5g gateway as add` printed, where the server wants a token",
        )
        verb.add_argument("--json", action="store_true", help="one JSON object a line, for programs")


def _verb(verbs, name, summary):
    return verbs.add_parser(name, help=summary, description=f"An Application Server {summary}.")


def main(args):
    args.token = None if args.token_file is None else _token(args.token_file)
    verb = {"listen": _listen, "send": _send}[args.as_verb]
    return asyncio.run(_until_signals(verb(args, Teller(args.json))))


def _token(path):
    try:
        return read_token(path)
    except OSError as error:
        raise UsageError(f"--token-file {path}: {why(error)}") from None
    except ValueError as error:  # of its text, too
        reason = "it is no text" if isinstance(error, UnicodeError) else error
        raise UsageError(f"--token-file {path}: {reason}") from None


async def _until_signals(work):
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 130


# ---- listen ----------------------------------------------------------------------------------------------------------


async def _listen(args, tell):
    if args.save is not None:
        try:
            args.save.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--save {args.save}: {why(error)}") from None
    task = asyncio.current_task()

    def hear(report):
        try:
            tell.report(report)
        except OSError as error:
            tell.unheard = error
            task.cancel()
            raise

    application = ApplicationServer(
        args.service_id,
        args.server,
        token=args.token,
        listen=args.http,
        reports=not args.no_report,
        stay=args.stay,
        on_report=hear,
        on_trouble=tell.say,
    )
    try:
        async with nearby.Door(application) as door, contextlib.AsyncExitStack() as stack:
            await _registered(stack, application, args, tell)
            try:
                await door.open()
            except OSError as error:  # its folder's name is too long, or the disk is full
                tell.say(f"`as send` cannot send by this one: {why(error)}")
            return await _listening(application, args, tell)
    except held.Held as holder:
        raise UsageError(f"{args.service_id} is listened for already: {holder}") from None
    except ServerError as error:
        return tell.failed(str(error))


async def _registered(stack, application, args, tell):
    """Once it is; a server may be there later."""
    told = False
    while True:
        try:
            await stack.enter_async_context(application)
            return
        except (NotReachable, Refused) as error:
            if isinstance(error, Refused) and not error.passes:
                raise
            if not told:
                tell.say("trying for ever; `make gateway` starts a server on this machine")
            told = True
            await asyncio.sleep(_AGAIN)
        except OSError as error:
            where = "%s:%d" % args.http if args.http else "this machine's address"
            raise UsageError(f"cannot listen at {where}: {why(error)}") from None


async def _listening(application, args, tell):
    if args.topic:
        await application.subscribe(*args.topic)
    tell.listening(application, args.topic)
    number = 0
    try:
        async for message in application.messages():
            number += 1
            tell.message(message, _saved(args.save, message, number))
            if number == args.count:
                return 0
    except asyncio.CancelledError:
        if tell.unheard is not None:
            raise tell.unheard from None
        tell.stopped(application, args.stay)
        return 0


def _saved(folder, message, number):
    """The file that its payload is in now, on the disk; or None. Raises OSError: what cannot be saved is not taken, and
    comes again."""
    if folder is None:
        return None
    name = "".join(c if c.isalnum() or c in ".-" else "_" for c in message.sender)
    name = name.encode()[:_NAME].decode(errors="ignore")
    content = message.payload
    while True:
        path = folder / ("%s-%d" % (name, number))
        try:
            file = open(path, "xb")
            break
        except FileExistsError:
            number += 1
    try:
        with file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink()
        error.filename = str(path)
        raise
    return path


# ---- send ------------------------------------------------------------------------------------------------------------


async def _send(args, tell):
    to, to_type = _recipient(args)
    payload = _payload(args)
    more = {"to_type": to_type, "report": args.report, "seconds": args.expire}
    if args.priority:
        more["priority"] = args.priority.upper()
    try:
        async with contextlib.AsyncExitStack() as stack:
            sent = await nearby.passed(args.server, args.service_id, to, payload, **more)
            if sent is not None:
                stack.callback(sent.close)
                elsewhere = False
            else:
                application = ApplicationServer(
                    args.service_id, args.server, token=args.token, register=False, on_trouble=tell.say
                )
                await stack.enter_async_context(application)
                sent, elsewhere = await _sent(application, to, payload, more)
            tell.sent(sent, to)
            if not args.report:
                return 0
            if elsewhere:
                return tell.failed(
                    f"{args.service_id} is registered by another program, which gets the report"
                )
            return await _reported(sent, args.wait, tell)
    except ServerError as error:
        return tell.failed(str(error))


async def _sent(application, to, payload, more):
    """The Sent, and whether another program has the registration."""
    try:
        return await application.send(to, payload, **more), True
    except Refused as refused:
        if refused.status != 403:
            raise
    await application.register()
    return await application.send(to, payload, **more), False


async def _reported(sent, seconds, tell):
    try:
        report = await sent.report(seconds)
    except TimeoutError:
        return tell.failed(f"no report within {seconds:g} s; the message is on its way all the same")
    tell.report(report)
    return 0 if report.delivered else 1


def _recipient(args):
    for name, kind in (("group", "GROUP"), ("topic", "TOPIC"), ("area", "BC")):
        if getattr(args, name) is not None:
            return getattr(args, name), kind
    return args.to, "UE"


def _payload(args):
    if (args.text is None) == (args.file is None):
        raise UsageError("as send: give the payload as TEXT, as - for standard input, or as --file FILE")
    try:
        if args.file is not None:
            with open(args.file, "rb") as file:
                content = file.read(_LARGEST + 1)
        elif args.text == "-":
            content = sys.stdin.buffer.read(_LARGEST + 2).removesuffix(b"\n")
        else:
            content = args.text.encode(errors="surrogateescape")
    except OSError as error:
        name = "standard input" if args.file is None else f"--file {args.file}"
        raise UsageError(f"{name}: {why(error)}") from None
    if len(content) > _LARGEST:
        raise UsageError(f"as send: a message has {_LARGEST} octets at most, this is more")
    if args.file is None:
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode()
    return content


# ---- arguments -------------------------------------------------------------------------------------------------------


def _service_id(text):
    if not is_service_id(text):
        raise argparse.ArgumentTypeError("an ID is 1 to 255 octets without control characters")
    return text


def _ue(text):
    if text.startswith("as:"):
        raise argparse.ArgumentTypeError(
            "%s: an Application Server sends to devices, not to another Application Server" % text[:64]
        )
    return _service_id(text)


def _uri(text):
    if not is_target(text) or set("?#") & set(text):
        raise argparse.ArgumentTypeError("%r is no URI of a server: http://127.0.0.1:8065" % text[:64])
    return text.rstrip("/")


def _address(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not int(port) < 1 << 16:
        raise argparse.ArgumentTypeError("%r is no HOST:PORT: 192.0.2.1:9000" % text[:64])
    return host.strip("[]"), int(port)


def _count(text):
    if not text.isascii() or not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("%r is no number of messages" % text[:64])
    return int(text)


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError("%r is no number of seconds up to a year" % text[:64])
    return seconds
