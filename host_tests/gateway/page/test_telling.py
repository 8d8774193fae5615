# SPDX-License-Identifier: MIT
"""Telling is no part of what is told: readers that end or sleep, disks that are full, callbacks that raise."""

import asyncio
import io
import json
import os
import re
import resource
import sys
from dataclasses import replace

import pytest

from host_tests.gateway.scripted import ROOT, Ue, gateway, run
from tools.bench import limits
from tools.gateway.running import commits
from tools.gateway.runtime import Gateway, Options
from tools.page import events as told_by
from tools.page.events import Events, sentence
from tools.page.past.lives import MESSAGES
from tools.server.settings import Settings
from tools.wire import bodies
from tools.wire.answers import Request
from tools.wire.identity import Peer

A, B = "ue:a", "ue:b"


class Broken(io.StringIO):
    """A stream whose reader has ended."""

    error = BrokenPipeError(32, "Broken pipe")

    def write(self, text):
        if self.error:
            raise self.error
        return super().write(text)


def test_a_stream_that_fails_is_told_once_on_the_others_and_tried_again():
    out, file = Broken(), io.StringIO()
    events = Events(out, file, clock=lambda: 0)
    for number in range(5):
        events.emit("registered", ue="ue:%d" % number)
    out.error = None
    events.emit("expired", ue=A)
    told = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [record["event"] for record in told] == (
        ["registered", "sink-failed"] + ["registered"] * 4 + ["expired", "sink-recovered"]
    )
    assert told[1]["sink"] == "stdout" and "Broken pipe" in told[1]["reason"]
    assert told[-1]["lost"] == 6  # the five, and the one that said so
    assert out.getvalue().splitlines()[0].endswith("registration of ue:a expired")
    assert events.counts["registered"] == 5
    assert events.state() == [
        {"sink": "--events", "failing": "", "waiting": 0, "lost": 0},
        {"sink": "stdout", "failing": "", "waiting": 0, "lost": 6},
    ]


def test_whatever_a_stream_or_a_callback_raises():
    class Odd:
        encoding = "no such encoding"

        def write(self, text):
            raise RuntimeError("odd")

        flush = write

    def hear(record):
        raise KeyError("mine")

    heard = []
    events = Events(Odd(), Odd(), clock=lambda: 0)
    events.callbacks += [hear, heard.append]
    for _ in range(3):
        events.emit("refused", peer="\ud800", reason="\udcff", odd=object())
    failed = [record["sink"] for record in heard if record["event"] == "sink-failed"]
    assert sorted(failed) == ["--events", "stdout", hear.__qualname__]
    assert len([record for record in heard if record["event"] == "refused"]) == 3
    assert events.counts["callback-failed"] >= 3


def test_steps_of_messages_are_for_the_page_alone_and_fail_nobody():
    out, watched, heard = io.StringIO(), [], []
    events = Events(out, clock=lambda: 0)
    events.watch = lambda record, item, told: watched.append((record["event"], item, told))
    events.callbacks.append(heard.append)
    item = object()
    events.emit("accepted", item=item, msgId="m")
    events.emit("segment", msgId="m")
    assert watched == [("accepted", item, True), ("segment", None, False)]
    assert [record["event"] for record in heard] == ["accepted"] and "item" not in heard[0]
    assert len(out.getvalue().splitlines()) == 1 and events.counts == {"accepted": 1}

    def fails(record, item, told):
        raise KeyError("mine")

    events.watch = fails
    for _ in range(3):
        events.emit("segment", msgId="m")
    assert [record["event"] for record in heard[1:]] == ["sink-failed"]
    assert events.counts["callback-failed"] >= 3


def test_a_pipe_that_nobody_reads_keeps_some_and_counts_the_rest():
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        events = Events(None, stream, clock=lambda: 0)
        for number in range(3000):
            events.emit("refused", number=number, reason="x" * 1000)  # 3 MB: more than pipe and backlog
        (state,) = events.state()
        assert state["failing"] == "nobody reads it"
        assert 500 < state["waiting"] < 3000 - 500
        got = b""
        os.set_blocking(reader, False)
        while state["waiting"] or not got.endswith(b"\n"):
            got += os.read(reader, 1 << 20)
            events.flush()
            (state,) = events.state()
        events.flush()
        while True:
            try:
                got += os.read(reader, 1 << 20)
            except BlockingIOError:
                break
    os.close(reader)
    told = [json.loads(line) for line in got.splitlines()]  # no line is broken
    numbers = [record["number"] for record in told if record["event"] == "refused"]
    assert numbers == list(range(len(numbers)))
    assert len(told) - 1 + state["lost"] == 3000 + 1  # all were written or counted, sink-failed too
    assert told[-1] == {"time": 0, "event": "sink-recovered", "sink": "--events", "lost": state["lost"]}


def test_a_disk_that_is_full_for_a_while(tmp_path):
    path = tmp_path / "events"
    with open(path, "a") as stream:
        events = Events(None, stream, clock=lambda: 0)
        events.emit("registered", ue=A)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
        try:
            events.emit("expired", ue=A)
            events.emit("expired", ue=B)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert events.state()[0]["failing"] == "File too large"
        events.emit("registered", ue=B)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(record["event"], record.get("ue")) for record in told] == [
        ("registered", A),
        ("expired", A),
        ("sink-failed", None),
        ("expired", B),
        ("registered", B),
        ("sink-recovered", None),
    ]


@pytest.mark.parametrize("full", ["stdout", "--events"])
def test_messages_go_on_without_a_reader_and_with_a_full_disk(full, tmp_path):
    async def main():
        reader, writer = os.pipe()
        other = tmp_path / "other"
        sinks = ["--events", "/dev/full"]
        stdout = open(other, "wb")
        if full == "stdout":
            sinks, stdout = ["--events", str(other)], os.fdopen(writer, "wb")
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "tools.gateway", "--security", "none", "--open", "--store", ":memory:"],
            *["--coap", "127.0.0.1:0", "--http", "127.0.0.1:0", *sinks],
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        stdout.close()

        async def listening():
            while "listening" not in other.read_text():
                assert process.returncode is None
                await asyncio.sleep(0.01)

        await asyncio.wait_for(listening(), 30)
        os.close(reader)

        class Where:
            text = other.read_text()
            text = text[text.index("listening") :]
            coap_port = int(text.split("127.0.0.1:", 1)[1].split(",")[0].strip('"'))

        async with Ue(Where, A) as a, Ue(Where, B) as b:
            await a.register()
            await b.register()
            for number in range(3):
                msg_id = await a.send(B, "number %d" % number)
                assert (await b.next("MSG"))["msgId"] == msg_id
        process.terminate()
        _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
        assert other.read_text().count("sink-failed" if full == "stdout" else "takes no events") == 1

    run(main())


def test_a_callback_that_raises_loses_no_push():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Ue(g, B) as b:

            def hear(record):
                raise OSError(28, "No space left on device")

            g.events.callbacks.insert(0, hear)
            await a.register()
            await b.register()
            ids = [await a.send(B, str(number)) for number in range(3)]
            assert [(await b.next("MSG"))["msgId"] for _ in ids] == ids
            assert g.snapshot()["counts"]["callback-failed"]

    run(main())


def test_what_is_told_together_is_written_in_few_pieces_and_in_order(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        os,
        "write",
        lambda descriptor, octets, write=os.write: written.append(len(octets)) or write(descriptor, octets),
    )
    with (tmp_path / "events").open("w") as stream:
        events = Events(None, stream, clock=lambda: 0)
        with events.together():
            for number in range(100):
                events.emit("numbered", number=number)
            assert not written
    lines = (tmp_path / "events").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(100))
    assert len(written) <= 3 and max(written) <= 4096  # what a pipe that is ready takes without waiting


def test_what_is_told_together_is_not_lost_where_a_sink_takes_it(tmp_path):
    """As when ten thousand registrations are over at once: more than a sink keeps."""
    with (tmp_path / "events").open("w") as stream:
        events = Events(None, stream, clock=lambda: 0)
        with events.together():
            for number in range(1500):
                events.emit("expired", ue="x" * 1000, number=number)
        assert events.state() == [{"sink": "--events", "failing": "", "waiting": 0, "lost": 0}]
    told = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [record["number"] for record in told] == list(range(1500))


# ---- as people read it

SET = {"segId": "5e", "from": A, "to": B}
AREA = {"kind": "MSG", "msgId": "m", "from": A, "to": B, "reason": "KeyError: 'x'"}


@pytest.mark.parametrize(
    ("event", "fields", "said"),
    [
        ("segment-confirmed", SET | {"result": True}, "all segments of 5e from ue:a to ue:b have arrived"),
        (
            "segment-confirmed",
            SET | {"result": False, "cause": "too late"},
            "segments of 5e from ue:a to ue:b were given up: too late",
        ),
        ("segment-confirmed", SET | {"result": False}, "segments of 5e from ue:a to ue:b were given up"),
        ("segment-recovery", SET | {"segments": "(8-8)"}, "asked ue:a for segment 8 of 5e again"),
        (
            "segment-recovery-asked",
            SET | {"segments": "(2-4, 8-8)"},
            "ue:b asks for segments 2 to 4, 8 of 5e again",
        ),
        ("segment-recovery-asked", SET | {"segments": "(5)"}, "ue:b asks for segment 5 of 5e again"),
        (
            "registered",
            {"ue": A, "peer": "p", "lifetime": 60, "maxSegSize": 2048},
            "registered ue:a from p for 60 s, segments up to 2048 octets",
        ),
        (
            "registered",
            {"ue": A, "peer": "p", "via": B, "lifetime": 60, "maxSegSize": 1},
            "registered ue:a through ue:b at p for 60 s, segments up to 1 octet",
        ),
        ("deregistered", {"ue": A}, "de-registered ue:a"),
        ("subscribed", {"ue": A, "topic": "t"}, "ue:a is subscribed to t as long as it is registered"),
        (
            "refused",
            {"kind": "MSG", "peer": "p", "code": "4.00", "reason": "no"},
            "refused MSG of p: 4.00 no",
        ),
        ("refused", {"kind": "request", "peer": "p", "code": "", "reason": "no"}, "refused request of p: no"),
        (
            "refused",
            {"kind": "", "peer": "p", "code": "4.00", "reason": "no JSON"},
            "refused a request of p: 4.00 no JSON",
        ),
        (
            "error",
            {"kind": "page", "reason": "KeyError: 'x'", "place": ""},
            "an error of the gateway's own in page: KeyError: 'x'",
        ),
        (
            "error",
            {"kind": "push", "to": A, "reason": "x", "place": "a.py:1 in f"},
            "an error of the gateway's own in push to ue:a: x (a.py:1 in f)",
        ),
        (
            "quarantined",
            AREA | {"id": 1, "what": "26", "place": "a.py:1 in f"},
            "set aside MSG m from ue:a to ue:b: KeyError: 'x' (a.py:1 in f)",
        ),
        (
            "quarantined",
            {"id": 1, "kind": "registration", "what": A, "reason": "x", "place": ""},
            "set aside the registration of ue:a: x",
        ),
        (
            "quarantined",
            {"kind": "recipient", "what": A, "seconds": 2, "reason": "x", "place": ""},
            "the recipient ue:a rests for 2 s after an error: x",
        ),
        (
            "quarantine-dropped",
            AREA | {"id": 1, "what": "26"},
            "dropped MSG m from ue:a to ue:b, which was set aside",
        ),
        ("discarded", {"kind": "IMDN", "msgId": "m", "to": "", "cause": "no"}, "discarded IMDN m: no"),
        (
            "group-left",
            {"ue": A, "group": "g", "messages": 0},
            "ue:a does not take part in the group g any more",
        ),
        (
            "group-left",
            {"ue": A, "group": "g", "messages": 1},
            "ue:a does not take part in the group g any more; 1 message for it went with that",
        ),
        (
            "as-deregistered",
            {"as": "as:x", "cause": "not used"},
            "de-registered Application Server as:x: not used",
        ),
        (
            "triggered",
            {"ue": A, "by": "exposure", "at": "http://x/1"},
            "asked the network to trigger ue:a: http://x/1",
        ),
        ("triggered", {"ue": A, "by": "UDP", "at": "p"}, "triggered ue:a by UDP at p"),
    ],
)
def test_an_event_is_a_sentence(event, fields, said):
    assert sentence({"time": 0, "event": event, **fields}) == said


def test_a_long_list_of_segments_is_cut():
    many = "(%s)" % ", ".join("%d-%d" % (n, n) for n in range(1, 40, 2))
    said = sentence({"event": "segment-recovery", **SET, "segments": many})
    assert said == "asked ue:a for segments 1, 3, 5, 7, 9, 11, 13, 15 and 12 more of 5e again"


def test_no_sentence_says_what_only_a_program_understands():
    """Nor has it holes, where all of its fields say something."""
    for name in told_by._SENTENCES:
        event, _, word = name.partition(" ")
        every = [told for other, told in told_by._SENTENCES.items() if other.partition(" ")[0] == event]
        known = {"id", *re.findall(r"\{(\w+)", " ".join(every))}
        known -= {"resting": {"id"}, "nameless": {"msgId"}, "lasting": {"lifetime"}}.get(word, set())
        known -= {"kind"} if name == "refused nameless" else set()
        known |= {"via"} if word == "via" else set()
        for value in ("x", 0, 1):
            fields = dict.fromkeys(known, value) | {
                "by": "exposure" if word else "UDP",
                "result": word != "not",
            }
            if event == "trigger-reported":
                fields["result"] = "SUCCESS"
            said = sentence({"event": event, **fields})
            assert not re.search(r"True|False|None|\bb'|[{}\[\]*]|\(\)|  | [:,;]|[:,;]$", said), said


# ---- what telling costs ----------------------------------------------------------------------------------------------


def test_telling_of_a_message_that_is_accepted_takes_few_calls(tmp_path, monkeypatch):
    """For one more message of a round, in a program that keeps as many lives as it may, and whose events go to two
    places."""
    monkeypatch.setattr(commits, "SECONDS", 60)  # however slow a machine is, a round holds as many
    pages = str(ROOT / "tools" / "page")
    here = Peer("192.0.2.1", 40000)

    async def calls(count):
        """(all, those of tools/page) of a round of so many messages."""
        seen = [0, 0]

        def call(frame, event, argument):
            if event == "call":
                seen[0] += 1
                seen[1] += frame.f_code.co_filename.startswith(pages)

        async def sent(decisions, item):
            """Nobody is there to take it."""

        async def answers(program, *asked):
            made = [asyncio.get_running_loop().create_future() for _ in asked]
            for each, body in zip(made, asked, strict=True):
                octets = bodies.encode(body)
                request = Request("POST", ("msgin5g",), payload=octets, content_format=50)
                program._begin(here, request, each.set_result)
            return {answer.code for answer in await asyncio.gather(*made)}

        with open(os.devnull, "w") as out, open(tmp_path / ("%d.events" % count), "w") as file:
            events = Events(out, file)
            options = Options(Settings(open=True), http=("127.0.0.1", 0), coap=("127.0.0.1", 0))
            async with Gateway(replace(options, store=str(tmp_path / ("%d.db" % count))), events) as program:
                monkeypatch.setattr(program, "begin", sent)
                a, b = Ue(program, A), Ue(program, B)
                for number in range(MESSAGES):
                    fields = {"kind": "MSG", "msgId": str(number), "from": B, "to": A, "octets": 1}
                    events.emit("accepted", "x", **fields)
                assert await answers(program, a.own("REG")) == await answers(program, b.own("REG"))
                asked = [a.msg(B, "x" * 100) for _ in range(count)]
                sys.setprofile(call)
                try:
                    assert await answers(program, *asked) == {"2.04"}
                finally:
                    sys.setprofile(None)
                assert len(program.history.lives) == MESSAGES
        return seen

    async def main():
        more, fewer = await calls(50), await calls(20)
        return [(one - other) / 30 for one, other in zip(more, fewer, strict=True)]

    for name, found in zip(("accepted.calls", "accepted.told"), run(main()), strict=True):
        assert limits.of(name).keeps(found), found
