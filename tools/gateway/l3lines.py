# SPDX-License-Identifier: MIT
"""MSGin5G-5 over L3 messages on a line: TS 24.538 Annex A.2, with the times and repeats of docs/annex-a.md."""

import asyncio
import secrets
import uuid

from tools.gateway.applications import Deliver, RefusedError
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome
from tools.transport import lines
from tools.wire import l3
from tools.wire import payload as payloads
from tools.words import counted

REPEATS = 4
REPORT_GAP = 2.0  # seconds between the two copies of a report, which nothing answers
REMEMBERED = 32
# After these causes the device may send the same message again, and it is decided about anew.
_PASSING = (l3.CONNECTION_GONE, l3.LACK_OF_RESOURCES, l3.CONGESTION)


class L3Line:
    """What a device says on one line, and what it is told. `await event(method, *arguments)` gives the result of
    a method of Applications."""

    def __init__(self, line, applications_, event, timeout=2.0):
        self.identifier = "l3:" + line.name
        self._line = line
        self._applications = applications_
        self._event = event
        self._timeout = timeout
        self._answered = {}  # (message type, Message ID or Registration ID): response
        self._reports = []
        self._answers = asyncio.Queue()
        self._asking = asyncio.Lock()
        self._last = b""  # the request that was asked last
        self._owed = 0  # answers to its copies that may still come, until _owed_until
        self._owed_until = 0
        self._timers = set()
        self._open = {}  # key of a request: the task that answers it
        line.on_l3 = self.receive

    @property
    def open(self):
        return self._line.open

    def stop(self):
        for each in (*self._timers, *self._open.values()):
            each.cancel()

    # ---- what the device asks ----------------------------------------------------------------------------------------

    def receive(self, octets):
        try:
            message = l3.parse(octets)
        except l3.Wrong as wrong:
            self._wrong(wrong.type)
            return
        if isinstance(message, l3.Response):
            self._answers.put_nowait(message)
        elif isinstance(message, l3.Report):
            self._begin((l3.REPORT_SENDING, message.msg_id), self._report(message))
        elif isinstance(message, l3.Sending):
            self._once((l3.SENDING, message.msg_id), self._sending, message)
        elif isinstance(message, l3.Registering):
            # a repeated one registers again, with the same result
            self._begin((l3.REGISTRATION, message.app_id), self._registering(message))
        else:
            self._once((l3.DEREGISTRATION, message.registration_id), self._deregistering, message)

    def _begin(self, key, coroutine):
        """One request, beside others. A copy of one that is not answered yet is dropped: the answer is that to both."""
        if key in self._open:
            coroutine.close()
            return
        task = self._open[key] = asyncio.get_running_loop().create_task(coroutine)
        task.add_done_callback(lambda task: self._open.pop(key))

    def _wrong(self, type_):
        """An answer where the request is known by its type; else silence."""
        if type_ == l3.SENDING:
            self._say(l3.sending_response(l3.PROTOCOL_ERROR))
        elif type_ == l3.REGISTRATION:
            self._say(l3.reject(l3.REGISTRATION_REJECT, l3.PROTOCOL_ERROR))
        elif type_ == l3.DEREGISTRATION:
            self._say(l3.reject(l3.DEREGISTRATION_REJECT, l3.PROTOCOL_ERROR))

    def _say(self, octets):
        self._line.send(lines.L3, octets)

    def _once(self, key, answer, message):
        """A repeated request gets the same response and does nothing again."""
        response = self._answered.get(key)
        if response is None:
            self._begin(key, self._answering(key, answer, message))
        else:
            self._say(response)

    async def _answering(self, key, answer, message):
        response, lasting = await answer(message)
        if lasting:
            self._answered[key] = response
            while len(self._answered) > REMEMBERED:
                del self._answered[next(iter(self._answered))]
        self._say(response)

    async def _sending(self, message):
        cause = None
        try:
            target = self._applications.address(message.target_type, message.target, literal=False)
            msg_id, value = str(uuid.UUID(bytes=message.msg_id)), payloads.from_plain(message.payload)
            app_id = None if message.app_id is None else str(message.app_id)
            what = (self.identifier, target, msg_id, value, message.report, app_id)
            await self._event(self._applications.send, *what)
        except RefusedError as refused:
            cause = refused.cause
        return l3.sending_response(cause), cause not in _PASSING

    async def _registering(self, message):
        self._answered.clear()  # a device that starts anew
        try:
            event = self._event(
                self._applications.register, self.identifier, message.app_id, message.credential
            )
            response = l3.accept(l3.REGISTRATION_ACCEPT, await event)
        except RefusedError as refused:
            response = l3.reject(l3.REGISTRATION_REJECT, refused.cause)
        self._say(response)

    async def _deregistering(self, message):
        try:
            event = self._event(self._applications.deregister, self.identifier, message.registration_id)
            await event
        except RefusedError as refused:
            return l3.reject(l3.DEREGISTRATION_REJECT, refused.cause), False
        return l3.accept(l3.DEREGISTRATION_ACCEPT, message.registration_id), True

    async def _report(self, message):
        if message.msg_id in self._reports:  # its second copy
            return
        try:  # nothing answers a report
            reply_to = str(uuid.UUID(bytes=message.reply_to))
            await self._event(self._applications.report, self.identifier, reply_to, message.delivered)
        except RefusedError as refused:
            if refused.cause in _PASSING:
                return  # the second copy may do better
        self._reports = [*self._reports[1 - REMEMBERED :], message.msg_id]

    # ---- what the device is told -------------------------------------------------------------------------------------

    async def bring(self, what):
        """Brings a Deliver or Reported to the device; the Outcome."""
        if not self._line.open:
            return Outcome(LATER, "%s is not there" % self._line.name, answered=False)
        if not isinstance(what, Deliver):
            reply_to = uuid.UUID(what.reply_to).bytes
            octets = l3.report_received(what.delivered, secrets.token_bytes(16), reply_to)
            self._say(octets)
            timer = asyncio.get_running_loop().call_later(REPORT_GAP, lambda: self._say(octets))
            self._timers = {each for each in self._timers if each.when() > asyncio.get_running_loop().time()}
            self._timers.add(timer)
            return Outcome(DONE)
        payload = payloads.to_plain(what.value)
        octets = l3.received(uuid.UUID(what.msg_id).bytes, payload, what.originator, what.group, what.report)
        if len(payload) > 65535 or len(octets) > self._line.max_frame:
            return Outcome(
                REFUSED,
                "a message of %s; the line takes %d" % (counted(len(octets), "octet"), self._line.max_frame),
            )
        answer = await self._ask(octets)
        if answer is None:
            return Outcome(LATER, "no answer", answered=False)
        if answer.accepted:
            return Outcome(DONE)
        detail = "cause 0x%02x" % (answer.cause or 0)
        return Outcome(LATER if answer.cause in _PASSING else REFUSED, detail)

    async def _ask(self, octets):
        """One MESSAGE RECEIVED REQUEST at a time. Its response carries no Message ID: copies that may still be
        answered are waited for before the next request."""
        loop = asyncio.get_running_loop()
        air = len(octets) * 10.5 / self._line.baudrate
        async with self._asking:
            if octets != self._last:  # an answer to an earlier copy of the same request is as good
                await self._await_late_answers()
            self._last = octets
            since, wait = loop.time(), self._timeout
            for _ in range(REPEATS + 1):
                self._say(octets)
                self._owed += 1
                try:
                    answer = await asyncio.wait_for(self._answers.get(), wait + air)
                except TimeoutError:
                    wait *= 2
                    continue
                finally:
                    # Late answers take at most as long as this one did, or as an answer may take at all.
                    now = loop.time()
                    self._owed_until = now + max(self._timeout + air, now - since)
                self._owed -= 1
                return answer
            return None

    async def _await_late_answers(self):
        loop = asyncio.get_running_loop()
        while self._owed > 0:
            try:
                await asyncio.wait_for(self._answers.get(), max(0, self._owed_until - loop.time()))
            except TimeoutError:
                break
            self._owed -= 1
        self._owed = 0
        while not self._answers.empty():
            self._answers.get_nowait()
