# SPDX-License-Identifier: MIT
# heap: 512k, the flash of the board and the server lie in it too
"""The power goes at a write of a device's life, before it, within it and after it: no promise may break."""

from binascii import a2b_base64
from io import BytesIO

from application_life import ApplicationLife, L3Life
from common import Random
from life import AFTER, BEFORE, STRIDE, TORN, Life, Sent, cut_each

_STEPS = 50
_FEWER = 30


class OftenCleaned(Life):
    """Small log segments: the journal gives up old ones, and writes again what lives in them, all the time."""

    SEGMENT = 1500


class OftenCleanedL3(L3Life):
    SEGMENT = 1500


class Joining(Life):
    """Most of its messages go out as one, of its reports too. What went out as one is never another."""

    def _settings(self):
        settings = super()._settings()
        settings["aggregation"] = {"wait": 7, "messages": 3}
        return settings

    def _outbound(self, step):
        if step % 14 == 12:
            return Sent("as:x", "first %d" % step, to_type="AS", report=False, priority="HIGH")
        volatile = step % 10 in (2, 4)
        return Sent("as:x", "message %d" % step, to_type="AS", report=step % 4 == 0, volatile=volatile)

    def check(self):
        super().check()
        came = {}
        for message_id, elements in self.server.aggregates:
            assert came.setdefault(message_id, elements) == elements, message_id
        assert self.server.aggregates


class JoiningOftenCleaned(Joining):
    SEGMENT = 1500


class Overlapping(Life):
    """Its large messages go out while they are copied to the storage."""

    def _outbound(self, step):
        sent = super()._outbound(step)
        if step % 10 == 4:
            sent.payload = "message %d " % step + "v" * 4600
            sent.large = True
        return sent

    def _accept(self, message_id, value):
        # octets: a data URI (RFC 2397) in each segment
        parts = value.split("data:;base64,")
        if len(parts) > 1:
            value = str(b"".join([a2b_base64(part) for part in parts]), "utf-8")
        super()._accept(message_id, value)

    def _send(self, sent):
        if not sent.large:
            return super()._send(sent)
        file = BytesIO(sent.payload.encode())
        outgoing = self.device.offer(sent.to, file, self.now, **sent.named)
        while True:
            while self.server.step(self.device, self.now):
                pass
            if self.device.spool(outgoing, self.now):
                return outgoing
            self.overlapped += self.server.expects


def _writes(kind, steps):
    life = kind(steps)
    life.run()
    writes = life.storage.writes
    life.check()
    assert len(life.sent) == len(life.taken) == steps // 2
    return writes


def _cut_each(how, kind=Life, steps=_STEPS):
    cut_each(how, kind, steps, _writes(kind, steps))


def test_a_cut_before_each_write():
    """Nothing of the write is there after the restart."""
    _cut_each(BEFORE)


def test_a_cut_within_each_write():
    """Half of the write is there after the restart."""
    _cut_each(TORN)


def test_a_cut_after_each_write():
    """All of the write is there, and nothing that the program would have done after it."""
    _cut_each(AFTER)


def test_each_cut_of_an_application_client_over_l3():
    """Its large messages lie in log segments, and nothing answers its reports."""
    for how in (BEFORE, TORN, AFTER):
        _cut_each(how, L3Life)


def test_each_cut_of_an_application_client_over_coap():
    for how in (BEFORE, TORN, AFTER):
        _cut_each(how, ApplicationLife, _FEWER)


def test_each_cut_of_a_device_whose_messages_go_out_while_they_are_copied():
    """One whose `send` the cut interrupted is at the server whole only if the device has it, too. What goes before
    one write goes after the one before it."""
    life = Overlapping(10)
    life.run()
    assert life.overlapped  # and so is the record of the message, behind the last piece
    for how in (BEFORE, TORN):
        _cut_each(how, Overlapping, 10)


def test_each_cut_where_the_journal_is_cleaned_all_the_time():
    """What goes before one write goes after the one before it; so once is enough."""
    _cut_each(BEFORE, OftenCleanedL3)


def test_each_cut_of_a_device_that_joins_messages():
    for how in (BEFORE, TORN, AFTER):
        _cut_each(how, Joining, _FEWER)


def test_each_cut_of_one_whose_journal_is_cleaned_all_the_time():
    _cut_each(BEFORE, JoiningOftenCleaned, _FEWER)


def test_many_cuts_in_the_life_of_a_device_that_joins():
    _often_cut(Joining, 40)
    _often_cut(JoiningOftenCleaned, 20)


def test_many_cuts_in_one_life():
    """The power goes again and again, also while the device recovers from the cut before."""
    _often_cut(Life, 60)
    _often_cut(OftenCleaned, 20)


def test_many_cuts_in_the_life_of_an_application_client():
    _often_cut(L3Life, 60)
    _often_cut(OftenCleanedL3, 20)
    _often_cut(ApplicationLife, 30)


def _often_cut(kind, lives):
    restarts = sum([_restarts(kind, seed) for seed in range(0, lives, STRIDE)])
    assert restarts > lives // STRIDE * 5, restarts


def _restarts(kind, seed):
    random = Random(seed)
    life = kind(_STEPS, seed)
    life.next_cut = lambda writes: (writes + random.below(25), random.below(3))
    life.storage.plan(*life.next_cut(0))
    life.run()
    life.storage.at = None
    life.settle()
    life.check()
    return life.restarts
