# SPDX-License-Identifier: MIT
"""What a reader of /live hears: what has changed and nothing else, from where it left off; and how far it may be
behind."""

import asyncio
import itertools

import pytest

from host_tests.gateway.page.asked import LONG, Page
from host_tests.gateway.scripted import Ue, gateway, run
from tools.page import live
from tools.page.events import Events
from tools.page.live import BEHIND, STREAMS, Full, Live, Stream, frame
from tools.page.past.history import RING, History
from tools.transport.web import pages

A, B = "ue:a@example.org", "ue:b@example.org"


async def heard(frames, until):
    """All up to the first for which `until(event, data)`, this one too."""
    found = []
    async for each in frames:
        found.append(each)
        if until(*each[:2]):
            return found
    raise AssertionError("it ended: %s" % found)


def counts(event, _):
    return event == "count"


def test_only_what_has_changed_is_said():
    async def main():
        async with gateway() as g, Page(g) as page, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            at = (await page.get("/api/overview"))["at"]
            async with page.live(after=at) as frames:
                assert await a.code(a.own("DEREG")) == "2.04"
                found = await heard(frames, counts)
                assert [event for event, _, _ in found] == ["device", "event", "count"]
                device, told, count = (data for _, data, _ in found)
                assert device == {
                    name: value for name, value in (await page.device(A)).items() if name in device
                }
                assert (device["ue"], device["state"]) == (A, "away")
                assert told["event"] == "deregistered" and told["text"] == "de-registered %s" % A
                now = (await page.get("/api/overview"))["counts"]
                assert count.items() <= now.items() and count["away"] == 1
                assert await b.code(b.own("DEREG")) == "2.04"
                _, count, number = (await heard(frames, counts))[-1]
                assert count == {"registered": 0, "away": 2}  # and none of those that are as they were
                assert number == (await page.get("/api/overview"))["at"]

    run(main())


def test_a_message_is_said_with_its_state():
    async def main():
        async with gateway() as g, Page(g) as page, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            async with page.live() as frames:
                msg_id = await a.send(B, "x")
                await b.next("MSG")

                def is_there(event, data):
                    return event == "message" and data["state"] == "delivered"

                found = await heard(frames, is_there)
                assert {data["msgId"] for event, data, _ in found if event == "message"} == {msg_id}
                assert set(found[-1][1]) == {"from", "to", "msgId", "state", "report", "size", "time"}

    run(main())


def test_a_reader_that_comes_back_hears_what_it_has_missed_and_that_once():
    async def main():
        async with gateway() as g, Page(g) as page, Ue(g, A) as a, Ue(g, B) as b:
            begin = g.history.at
            async with page.live(after=begin) as frames:
                await a.register()
                found = await heard(
                    frames, lambda event, data: event == "event" and data["event"] == "registered"
                )
                last = found[-1][2]
            await b.register()
            for headers, after in (({"Last-Event-ID": str(last)}, begin), ({}, last)):
                async with page.live(after=after, **headers) as frames:
                    found = await heard(frames, counts)
                    texts = [data["event"] for event, data, _ in found if event == "event"]
                    assert texts == ["registered"]
                    assert [data["ue"] for event, data, _ in found if event == "device"] == [B]

    run(main())


@pytest.mark.parametrize("after", [1, 10**17, "-5", "garbage", "9" * 400])
def test_what_is_not_remembered_is_loaded_anew(after):
    async def main():
        async with gateway() as g, Page(g) as page:
            for number in range(RING + 2):
                g.events.emit("numbered", number=number)
            more = {"after": after} if isinstance(after, int) else {"Last-Event-ID": after}
            async with page.live(**more) as frames:
                (event, _, number) = (await heard(frames, lambda event, _: event == "reload"))[-1]
                assert number == (await page.get("/api/overview"))["at"]
            async with page.live(after=number) as frames:
                g.events.emit("numbered", number=0)
                assert (await heard(frames, counts))[0][0] == "event"

    run(main())


def test_a_heartbeat_comes_where_nothing_is_to_be_said(monkeypatch):
    monkeypatch.setattr(pages, "BEAT", 0.01)

    async def main():
        async with gateway() as g, Page(g) as page, page.live() as frames:
            assert [event async for event, _ in heartbeats(frames)] == ["", ""]

    async def heartbeats(frames):
        async for event, data, _ in frames:
            if event == "":
                yield event, data
            if next(left) == 0:
                return

    left = iter((1, 0))
    run(main())


def test_a_store_that_cannot_be_read_ends_the_stream_and_nothing_else():
    async def main():
        async with gateway() as g, Page(g) as page:
            count, g.view.counts = g.view.counts, None
            async with page.live() as frames:
                g.events.emit("numbered")
                assert [each async for each in frames] == []
            g.view.counts = count
            async with page.live(after=g.history.at - 1) as frames:
                assert (await heard(frames, counts))[-1][1]["accepted"] == 0
            async with page.http.head("/live") as response:
                assert response.status == 200 and await response.read() == b""

    run(main())


def test_a_reader_that_goes_leaves_room_for_another():
    async def main():
        async with gateway() as g, Page(g) as page:
            for _ in range(STREAMS + 3):
                async with page.live():
                    assert len(g.http.pages.live) >= 1
                async with asyncio.timeout(LONG):
                    while len(g.http.pages.live):
                        g.events.emit("numbered")  # which is written to it: then it is noticed
                        await asyncio.sleep(0)

    run(main())


# ---- bounds ----------------------------------------------------------------------------------------------------------


def test_a_reader_that_is_too_far_behind_ends_with_reload():
    """256 KiB: what is kept for it never is more."""
    woken = []
    stream = Stream(lambda: woken.append(None))
    one = frame("event", {"text": "x" * 1000})
    for number in range(BEHIND // len(one)):
        stream.put([one], number)
        assert not stream.ended
    stream.put([one], 7)
    assert stream.ended and BEHIND == 256 * 1024
    stream.put([one], 8)
    assert stream.take() == frame("reload", {"cause": "too far behind"}, 7)
    assert stream.take() == b"" and len(woken) == BEHIND // len(one) + 1


class Devices:
    def known(self, ue):
        return {"ue": ue}


class View:
    """As much of a View as Live asks."""

    def __init__(self):
        self.history = History(Events(clock=lambda: 0), at=0)
        self.devices = Devices()
        self.updates = self
        self.asked = 0

    def changed(self, records):
        return []

    def counts(self):
        self.asked += 1
        return {"registered": self.history.at}

    def quarantine(self):
        return [{"id": 7}]


def test_there_are_so_many_readers_and_no_more():
    following = Live(View())
    streams = [following.begin(None, lambda: None) for _ in range(STREAMS)]
    with pytest.raises(Full):
        following.begin(None, lambda: None)
    following.leave(streams[3])
    following.begin(None, lambda: None)
    assert len(following) == STREAMS == 16


def test_nothing_is_made_for_nobody_and_what_is_made_is_made_once_for_all():
    view, soon = View(), []
    following = Live(view, lambda: soon.append(None))
    view.history.note((A,))
    assert not soon and view.asked == 0
    streams = [following.begin(None, lambda: None) for _ in range(5)]
    for _ in range(100):
        view.history.note((A,))
    assert len(soon) == 1  # as long as nothing was given
    before = view.asked
    following.pump()
    assert view.asked - before == 2
    taken = {stream.take() for stream in streams}
    assert len(taken) == 1 and taken.pop().count(b"event: device") == 1  # of a hundred changes


def test_one_that_takes_nothing_holds_up_no_other():
    view = View()
    following = Live(view)
    slow, quick = (following.begin(None, lambda: None) for _ in range(2))
    for number in range(2000):
        view.history.note((), None, {"time": 0, "event": "x" * 500, "number": number})
        following.pump()
        assert quick.take() and not quick.ended
    assert slow.ended and slow.take().endswith(frame("reload", {"cause": "too far behind"}))


def test_who_is_told_to_load_anew_is_told_from_where_on_it_follows():
    """Else EventSource would come back with the number that it had, and be told the same for ever."""
    view = View()
    following = Live(view)
    behind = following.begin(None, lambda: None)
    last = view.history.at
    for number in range(1000):
        view.history.note((), None, {"time": 0, "event": "x" * 500, "number": number})
    for stream in (behind, following.begin(last, lambda: None)):
        assert stream.ended and stream.take().startswith(b"id: 1000\nevent: reload\n")
        following.leave(stream)
    back = following.begin(1000, lambda: None)
    assert not back.ended and back.take() == b""


def test_a_count_that_came_and_went_while_nobody_followed_is_told():
    """A reader that loaded the page meanwhile has another number than the one before it had."""
    view, waiting = View(), [5]
    view.counts = lambda: {"waiting": waiting[0]}
    following = Live(view)

    def now(number):
        waiting[0] = number
        view.history.note()
        following.pump()

    first = following.begin(None, lambda: None)
    now(5)
    following.leave(first)
    now(7)
    second = following.begin(view.history.at, lambda: None)  # which has seen a 7
    now(5)
    assert b'event: count\ndata: {"waiting":5}' in second.take()
    now(5)
    assert b"event: count\ndata: {}" in second.take()


def test_what_was_seen_of_an_earlier_run_is_loaded_anew():
    """However few changes there were since the start: an empty ring does not mean that nothing was missed."""
    earlier = History(Events())
    earlier.note((A,))
    for changes in (0, 1, 3):
        view = View()
        view.history = History(Events())
        following = Live(view)
        for _ in range(changes):
            view.history.note((B,))
        stream = following.begin(earlier.at, lambda: None)
        assert b"event: reload\n" in stream.take()


def test_too_much_at_once_is_loaded_anew():
    view = View()
    following = Live(view)
    stream = following.begin(None, lambda: None)
    view.history.note(["ue:%d" % number for number in range(live.MANY + 1)])
    following.pump()
    assert stream.take().startswith(b"id: 1\nevent: reload\n") and not stream.ended
    view.history.note((A,))
    following.pump()
    assert b'data: {"ue":"%s"}' % A.encode() in stream.take()


def test_what_was_set_aside_is_said():
    view = View()
    following = Live(view)
    stream = following.begin(None, lambda: None)
    view.history.note((), None, {"time": 0, "event": "quarantined", "reason": "r"})
    following.pump()
    assert b'event: quarantine\ndata: [{"id":7}]\n\n' in stream.take()


def test_what_a_peer_writes_cannot_make_an_event():
    octets = frame("event", {"text": "a\n\nevent: reload\ndata: {}\r\r\ud800\u2028"})
    assert len(octets.split(b"\n\n")) == 2 and b"\r" not in octets
    assert list(itertools.islice(octets.split(b"\n"), 1)) == [b"event: event"]
