# SPDX-License-Identifier: MIT
"""What a device does for an update, and says about it: the task below the calls of `device.update`."""

import asyncio
import gc
import sys

from coap.compat import const, drop_half_modules, json_octets
from msgin5g.timing import Countdown

from .. import health
from ..health import log
from .noted import Noted
from .taking import Octets, Refused, Taking, cause

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Board

APP_ID = const("msgin5g.update")
_ANSWER = const(400)  # octets
_PART = const(16384)  # octets that are asked for at once
_HEAD = const(13)  # octets of a piece before its own
_ASK = const(300000)  # ms without a piece until it is asked for again; twice as long each time
_LONGEST = const(21600000)
_PAUSE = const(60000)  # ms until it goes on where this device failed
_TURN = const(5)  # s between looks while there is something to do
_SOON = const(1)  # the same until the device is registered, which confirms what is on trial
_REST = const(3600)


class Updates:
    """The updates of a running client on this board."""

    def __init__(self, client: "Any", board: "Board") -> None:
        core = client.core
        self.noted = Noted(core.storage)
        self.taking = Taking(self.noted, board.name, core.config.update["key"], core.config, core.stats)
        self.client = client
        self._board = board
        self.on_end: "Any" = None  # what is called once the client was stopped
        self._looked = False  # whether it is known how the last start left things
        self._registered = False
        self._done = False  # all that was due since then
        self._waits = False  # a trial, for the application to confirm it
        self._asked: "Any" = None  # Countdown until a piece, or the application, is asked again
        self._gap = _ASK
        self._told = False  # the application was told of what is verified
        self._word: "Any" = None  # what is to be said next: _say has it
        self._why = ""  # what was said last when it could not go on
        self._leaving = False  # the board is to be started with that

    def status(self) -> "dict[str, Any]":
        """Return what `device.update.status` does."""
        noted, taking = self.noted, self.taking
        return {
            "id": noted.id,
            "kind": noted.kind,
            "state": noted.state,
            "cause": noted.cause,
            "have": taking.have,
            "of": taking.of,
        }

    async def run(self) -> None:
        """Take what comes, until the client ends."""
        inbox = None
        try:
            while True:
                try:
                    if inbox is None:
                        inbox = self.client.application(APP_ID)
                    try:
                        active = await self.poll(health.now())
                    finally:
                        self._done = self._registered
                    wait = (_TURN if self._registered else _SOON) if active else _REST
                    await self.handle(await inbox.receive(wait), health.now())
                except asyncio.TimeoutError:
                    pass
                except EOFError:  # StoppedError is one
                    return
                except MemoryError:
                    drop_half_modules()
                    gc.collect()
                    await self._pause("no memory")
                except OSError as error:
                    await self._pause(error)
                except Exception as error:
                    if self.client.ended:
                        return
                    sys.print_exception(error)  # type: ignore[attr-defined]
                    await self._pause(error)
        finally:
            if self.client.ended:
                self.on_end(self)

    def due(self) -> bool:
        """Return whether the device is registered, and has not done yet what waited for that: one that sleeps as soon
        as it has said its word would never come to it."""
        return self.client.registered and (self._leaving or not self._done) and self._is_active()

    def _is_active(self):
        return not self.noted.told or self.noted.state in ("loading", "verified", "trying")

    async def _pause(self, error):
        """Begin again with what is on flash, somewhat later."""
        if str(error) != self._why:
            self._why = str(error)
            log("update: goes on later (%s)", error)
        self._looked = False
        self._asked = Countdown(_PAUSE, health.now())
        await asyncio.sleep(_TURN)

    # --- how the last start left things -------------------------------------------------------------------

    async def _look(self):
        """Find out what became of the update that was under way. Raise OSError."""
        noted = self.noted
        noted.read()
        self._told = self._leaving = self._waits = False
        if noted.state in ("verified", "trying"):
            self._waits = noted.settle()
        if noted.state in ("loading", "verified"):
            try:
                await self.taking.resume()
            except (OSError, ValueError) as error:
                log("update: %s begins anew (%s)", noted.id, error)
                await self.taking.drop()
        self._looked = True

    # --- what is due ------------------------------------------------------------------------------------------

    async def poll(self, now: int) -> bool:
        """Do what is due, and return whether there is more to do soon. Raise OSError."""
        noted = self.noted
        self._word = None
        self.taking.age(now)
        registered = self.client.registered
        came = registered and not self._registered
        self._registered = registered
        if not self._looked:
            await self._look()
        if registered:
            if noted.state == "trying":
                self._try()
            if not noted.told:
                self._tell()
            if noted.state == "loading":
                await self._go_on(now, came)
            await self._speak(now)
            self._tell_application(now)
            if self._leaving:
                await self._restart()
        return self._is_active()

    async def _go_on(self, now, came):
        if not self.taking.asked[1]:
            await self._finish()
        elif came or self._asked is None:
            self._gap = _ASK
            self._ask()
        elif self._waited(now):
            self._gap = min(2 * self._gap, _LONGEST)
            self._ask()

    def _waited(self, now):
        return self._asked is None or self._asked.advance(now) <= 0

    async def _finish(self):
        """Look at all that has come."""
        try:
            await self.taking.finish()
        except Refused as error:
            await self._fail(error.args[0])
        except OSError as error:
            await self._fail(cause(error))
        if self.noted.state != "loading":
            self._tell()
        elif self.taking.asked[1]:
            self._ask()
        else:
            self.noted.enter("verified")
            log("update: %s has come, and is as it was signed", self.noted.id)
            self._tell()
            self._told = False
            self._asked = None

    async def _fail(self, cause):
        """Give a bundle up. Raise OSError."""
        self.taking.stats["update_refused"] += 1
        log("update: %s is refused: %s", self.noted.id, cause)
        await self.taking.forget()
        self.noted.enter("refused", cause)

    def _tell_application(self, now):
        """Ask the application whether the board may be started anew, where that is due."""
        if self.noted.state != "verified" or self._told or not self._waited(now):
            return
        self._told = True
        on_update = getattr(self.client, "on_update", None)
        may = True
        if on_update is not None:
            with self.taking.slot().manifest() as file:
                from .manifests import Manifest

                manifest = Manifest(file)
            try:
                may = on_update(manifest.name, manifest.version)
            except Exception as error:  # an application that fails here could not be mended otherwise
                log("update: on_update failed (%r)", error)
        if may is True:
            self.restart()

    # --- what this device says ----------------------------------------------------------------------------------

    def _ask(self):
        self._asked = None
        self._say(self.noted.sender, self.noted.sender_type, self.noted.id, "loading")

    def _tell(self):
        """Tell the sender of the bundle what became of it, by a message that outlives a restart."""
        noted = self.noted
        self._say(noted.sender, noted.sender_type, noted.id, noted.state, noted.cause, False)

    def _say(self, to, to_type, id, state, cause="", volatile=True):
        """Have `_speak` send a word about a bundle."""
        self._word = to, to_type, id, state, cause, volatile

    def _text(self, id, state, cause):
        said = {"id": id, "state": state}
        if cause:
            said["cause"] = cause
        if id == self.noted.id and self.taking.asked is not None:
            said["have"] = self.taking.have
            said["of"] = self.taking.of
            if state == "loading":
                said["get"] = [list(self.taking.asked)]
        text = json_octets(said)
        while len(text) > _ANSWER:
            said["cause"] = said["cause"][:-8]
            text = json_octets(said)
        return str(text, "utf-8")

    async def _speak(self, now):
        """Send the word that there is, if any. Not where it was found: a message that goes out takes more of the stack
        than all else, and with each call that waits for it there are some 250 octets less."""
        if self._word is None:
            return
        to, to_type, id, state, cause, volatile = self._word
        self._word = None
        text = self._text(id, state, cause)
        self.client.core.procedure("sender")  # for the first message, three modules within each other come in
        try:
            await self.client.send(to, text, to_type=to_type, app_id=APP_ID, volatile=volatile)
            if not volatile:
                self.noted.told = True
        except Exception as error:
            # OutboxFull, StorageError. To name them loads them, which a device in want of memory may not manage.
            if isinstance(error, (MemoryError, EOFError, RuntimeError)):
                raise
            log("update: %s is not told (%s)", state, error)
        if state == "loading":
            self._asked = Countdown(self._gap, now)
        elif not volatile and self.noted.told:
            self.noted.write()

    # --- what comes in ----------------------------------------------------------------------------------------

    async def handle(self, message: "Any", now: int) -> None:
        """Take a message with this Application ID. Raise OSError, MemoryError, and then it is as if it had not come."""
        self._word = None
        try:
            if not self._looked:
                await self._look()
            head = Octets(message, 0, min(_HEAD, message.size)).read(_HEAD)
            if head[:1] == b"O":
                await self._offer(message, now)
            elif head[:1] == b"P" or head[:1] == b"X":
                await self._about(message, head, now)
            else:
                self._ignore()
        except ValueError as error:  # text, or a message that the storage lost
            log("update: a message says nothing (%s)", error)
            self._ignore()
        finally:
            message.close()
        await self._speak(now)
        self._tell_application(now)

    def _ignore(self):
        self.taking.stats["update_ignored"] += 1

    async def _offer(self, message, now):
        sender, sender_type = message.sender, message.sender_type or "AS"
        try:
            id, state = await self.taking.offer(message, now)
        except Refused as error:
            cause, id = error.args
            self.taking.stats["update_refused"] += 1
            log("update: an offer of %s is refused: %s", sender, cause)
            self._say(sender, sender_type, id, "refused", cause)
            return
        cause = self.noted.bad[1] if state == "rolled-back" else ""
        if state == "loading":
            await self.taking.resume()
            self._gap = _ASK
            await self._go_on(now, True)
        else:
            self._say(sender, sender_type, id, state, cause)

    async def _about(self, message, head, now):
        """Take a piece of a bundle, or the word to stop it."""
        from binascii import hexlify

        noted = self.noted
        id = str(hexlify(head[1:9]), "utf-8")
        mine = id == noted.id and message.sender == noted.sender
        stops = head[:1] == b"X"
        if mine and noted.state == "loading" and not stops:
            await self._piece(message, now)
        elif mine and stops and noted.state in ("loading", "verified"):
            await self.taking.forget()
            noted.enter("stopped")
            self._tell()
        else:
            self._ignore()
            if message.sender == noted.sender or not noted.sender:
                state = noted.state if id == noted.id else "none"
                self._say(message.sender, message.sender_type or "AS", id, state)

    async def _piece(self, message, now):
        try:
            wanted = await self.taking.piece(message, now)
        except OSError as error:
            await self._fail(cause(error))
            self._tell()
            return
        if wanted:
            self._gap = _ASK
            await self._go_on(now, True)
        else:
            self._ignore()

    # --- from one slot to the other ---------------------------------------------------------------------------

    def restart(self) -> None:
        """Have the board start with what is verified, as soon as all that waits has gone out, or in a minute."""
        if self.noted.state == "verified":
            self._leaving = True

    async def _restart(self):
        await self.client.drain(60)
        self._leaving = False
        if self.noted.state != "verified":
            return  # stopped meanwhile
        from .slot import switch

        try:
            switch(self.taking.slot(), self.noted.id)
        except ValueError as error:
            await self._fail("image: %s" % error)
            return
        health.starts.good()  # a reset that is meant
        log("update: the board starts anew with %s", self.noted.id)
        self._board.reset()

    def _try(self):
        """Have what is on trial stay, where being registered is enough, and note that it stays."""
        import base

        from .slot import keep

        if not self._waits:
            keep()
        if not base.on:
            self.noted.settle()
