# SPDX-License-Identifier: MIT
"""`msgin5g as send` by the `msgin5g as listen` that is registered already: a socket that only this account can open.

There is one registration of an Application Server, and reports go where it says. So a second program of this machine
does not register it anew, which would take the messages of the first, but asks the first to send.
One JSON object a line: what `send` takes, and back {"sent": ID, "stored": ...} or {"error": sentence}, then each
{"report": ...} as it comes, until who asked hangs up.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path

from tools import held
from tools.application.calls import ServerError
from tools.application.values import Report

_LONGEST = 1 << 23  # octets of a line


def _folder():
    """A folder of this account alone. Raises OSError."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    path = Path(base or tempfile.gettempdir(), "msgin5g" if base else "msgin5g-%d" % os.getuid())
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(0, "it is no folder of this account alone", str(path))
    return path


def _place(server, service_id):
    name = hashlib.sha256(("%s %s" % (server, service_id)).encode()).hexdigest()[:20]
    return _folder() / name


class Door:
    """An async context manager, by which one program has `application`, an ApplicationServer; once that is registered,
    `open` lets others of this account send by it. Raises held.Held where another program has that one, OSError."""

    def __init__(self, application):
        self._application = application
        self._place = _place(application.server, application.service_id)
        self._lock = None
        self._server = None
        self._tasks = set()

    async def __aenter__(self):
        self._lock = os.open(self._place.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            held.hold(self._lock)
            self._place.unlink(missing_ok=True)  # of one that was killed
        except BaseException:
            os.close(self._lock)
            raise
        return self

    async def open(self):
        """Raises OSError."""
        self._server = await asyncio.start_unix_server(self._come, self._place, limit=_LONGEST)

    async def __aexit__(self, *exception):
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._place.unlink(missing_ok=True)
        os.close(self._lock)

    def _come(self, reader, writer):
        task = asyncio.create_task(self._served(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _served(self, reader, writer):
        try:
            line = await reader.readline()
            work = asyncio.create_task(self._asked(line, writer))
            gone = asyncio.create_task(reader.read())  # it hangs up
            try:
                await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (work, gone):
                    task.cancel()
                await asyncio.gather(work, gone, return_exceptions=True)
        except (OSError, ValueError):
            pass  # who asked is gone, or no `as send`
        finally:
            writer.close()

    async def _asked(self, line, writer):
        try:
            asked = json.loads(line)
            payload = asked.pop("text", None)
            if payload is None:
                payload = base64.b64decode(asked.pop("octets"))
            sent = await self._application.send(asked.pop("to"), payload, **asked)
        except ServerError as error:
            _write(writer, error=str(error))
            return
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # no `as send`
        _write(writer, sent=sent.message_id, stored=sent.stored)
        await _reported(sent, writer)


async def _reported(sent, writer):
    while True:
        _write(writer, report=(await sent.report())._asdict())


def _write(writer, **what):
    writer.write(json.dumps(what).encode() + b"\n")


class Passed:
    """A message that another program sent for us, as a Sent."""

    def __init__(self, said, reader, writer):
        self.message_id, self.stored = said["sent"], said["stored"]
        self._reader = reader
        self._writer = writer

    async def report(self, seconds=None):
        """As Sent.report. Raises ServerError, too, where that program ends."""
        async with asyncio.timeout(seconds):
            return Report(**(await _said(self._reader))["report"])

    def close(self):
        self._writer.close()


async def _said(reader):
    try:
        line = await reader.readline()
    except OSError:
        line = b""
    if not line:
        raise ServerError("the `msgin5g as listen` that sent it has ended")
    said = json.loads(line)
    if "error" in said:
        raise ServerError(said["error"])
    return said


async def passed(server, service_id, to, payload, **more):
    """The Passed, by the program that has that Application Server at this server; None where there is none. Raises
    ServerError."""
    try:
        reader, writer = await asyncio.open_unix_connection(_place(server, service_id), limit=_LONGEST)
    except OSError:
        return None
    content = (
        {"text": payload} if isinstance(payload, str) else {"octets": base64.b64encode(payload).decode()}
    )
    _write(writer, to=to, **content, **more)
    try:
        return Passed(await _said(reader), reader, writer)
    except ServerError:
        writer.close()
        raise
