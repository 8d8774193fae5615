# SPDX-License-Identifier: MIT
"""What raises is set aside: rows that cannot be read, at a start too; what becomes of them then; the commands."""

import json
import re

import aiohttp
import pytest

from host_tests.gateway.rig import Faults, Rig, at_once
from host_tests.gateway.scripted import Ue, gateway, run
from tools.cli import main
from tools.server import quarantine
from tools.server.delivery.pushes import BROKEN, Outcome
from tools.server.isolation import place_of
from tools.store.store import Store
from tools.store.tables import record
from tools.transport.lines import COAP, L3, Line, encode

A, B, C, D = "ue:a", "ue:b", "ue:c", "ue:d"
AS = "as:weather@example.org"


@pytest.fixture
def faults():
    made = Faults()
    yield made
    made.undo()


# ---- each kind of unit -----------------------------------------------------------------------------------------------


def stopped(rig, restart=False):
    """Nothing of what others do is hindered."""
    for from_, to in ((C, D), (D, C)):
        rig.register(from_)
        rig.register(to)
        rig.send(from_, rig.msg(from_, to, "after"))
    rig.settle()
    return [who for who in (C, D) if (rig.heard.get(who) or [[None] * 3])[-1][2] != "after"]


@pytest.fixture
def rig(tmp_path):
    made = Rig(str(tmp_path / "g.db"))
    for name in (A, B, C, D):
        made.register(name)
    yield made
    made.gateway.store.close()


def again(rig):
    rig.gateway.store.close()
    rig.start()


CORRUPT = {
    "no JSON": ("UPDATE message SET head='{' WHERE msg_id=?", "MSG"),
    "a list": ("UPDATE message SET head='[]' WHERE msg_id=?", "MSG"),
    "no object": ("UPDATE message SET head=NULL WHERE msg_id=?", "MSG"),
    "no members": ("UPDATE message SET head='{}' WHERE msg_id=?", "MSG"),
    "no text": ("UPDATE message SET head=CAST(x'7bff7d' AS TEXT) WHERE msg_id=?", "MSG"),
    "no payload": (
        "UPDATE part SET payload=x'ff' WHERE message=(SELECT id FROM message WHERE msg_id=?)",
        "MSG",
    ),
    "payload of another type": (
        "UPDATE part SET payload=NULL WHERE message=(SELECT id FROM message WHERE msg_id=?)",
        "MSG",
    ),
    "a peer that is none": (
        "UPDATE registration SET profile='{', max_segment='x' WHERE ue='ue:b' OR ue=?",
        "registration",
    ),
}


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("what", CORRUPT)
def test_a_row_that_cannot_be_read(rig, what, restart):
    statement, kind = CORRUPT[what]
    bodies = [rig.msg(A, B, text, sfFlag=True) for text in "123"]
    for body in bodies:
        rig.send(A, body)
    rig.gateway.store._db.execute(statement, (bodies[1]["msgId"],))
    if restart:
        again(rig)
    rig.settle()
    (aside,) = rig.events("quarantined")
    assert aside["kind"] == kind
    if kind == "MSG":
        assert [text for _, _, text in rig.heard[B]] == ["1", "3"]
        assert (aside["msgId"], aside["from"], aside["to"]) == (bodies[1]["msgId"], A, B)
        assert rig.reports[A] == [("MSGRESP", bodies[1]["msgId"], "failure")]
    else:
        assert rig.register(B).code == "2.04"  # the device comes again, and gets what waits
        rig.settle()
        assert [text for _, _, text in rig.heard[B]] == ["1", "2", "3"]
    assert stopped(rig) == []
    (listed,) = rig.gateway.snapshot()["quarantined"]
    assert listed["id"] == aside["id"]
    again(rig)
    rig.settle()
    assert stopped(rig) == []


def test_an_unfinished_set_that_cannot_be_read(rig):
    head = rig.msg(A, B)
    part = {"isSegmented": True, "segParams": {"segId": "s", "segNumb": 1, "totalSegCount": 3}}
    rig.send(A, head | part)
    rig.gateway.store._db.execute("UPDATE segment_set SET body='{'")
    part["segParams"]["segNumb"] = 2
    answer = rig.ask(A, head | part)
    assert answer.code == "4.00" and "given up" in answer.diagnostic
    (aside,) = rig.events("quarantined")
    assert (aside["kind"], aside["from"], aside["msgId"]) == ("segment set", A, head["msgId"])
    pushes = rig.pump()
    assert [(push.target.id, push.body["msgType"], push.body["result"]) for push in pushes] == [
        (A, "SEGCONFIR", False)
    ]
    assert stopped(rig) == []
    rig.gateway.server.quarantine.drop(aside["id"], rig.now)
    assert rig.gateway.store.set_ids() == []
    rig.send(A, head | part)  # the segId is free again
    assert rig.codes[-1] == "2.04"


# ---- the quarantine --------------------------------------------------------------------------------------------------


def spoilt(rig, count=1, sender=A, **members):
    """Messages whose rows cannot be read; their msgIds."""
    ids = []
    for _ in range(count):
        body = rig.msg(sender, B, "spoilt", **members)
        rig.send(sender, body)
        ids.append(body["msgId"])
    rig.gateway.store._db.execute(
        "UPDATE message SET head='{' || head WHERE kind='MSG' AND state='queued'",
    )
    rig.pump()
    return ids


def test_retry_brings_it_to_its_recipient(rig):
    (msg_id,) = spoilt(rig)
    (aside,) = rig.events("quarantined")
    rig.gateway.store._db.execute("UPDATE quarantine SET content=substr(content, 2)")  # mended by hand
    rig.now += 50_000
    rig.register(B)
    assert rig.gateway.server.quarantine.retry(aside["id"], rig.now).msg_id == msg_id
    rig.settle()
    assert [(heard[1], heard[2]) for heard in rig.heard[B]] == [(msg_id, "spoilt")]
    assert rig.gateway.snapshot()["quarantined"] == []
    assert rig.gateway.server.quarantine.retry(aside["id"], rig.now) is None


def test_what_nobody_looks_at_is_dropped(rig):
    (msg_id,) = spoilt(rig)
    rig.now += 86_401
    rig.settle()
    assert rig.gateway.store._one("SELECT count(*) FROM quarantine") == 0
    assert rig.waiting() == []
    (dropped,) = rig.events("quarantine-dropped")
    assert dropped["msgId"] == msg_id


def test_it_has_a_bound_and_the_greatest_share_goes_first(rig, monkeypatch):
    monkeypatch.setattr(quarantine, "MAX_ASIDE", 5)
    mine = spoilt(rig, 1, C)
    many = spoilt(rig, 8)
    listed = [each["msgId"] for each in rig.gateway.snapshot()["quarantined"]]
    assert listed == mine + many[4:]
    assert [record["msgId"] for record in rig.events("quarantine-dropped")] == many[:4]


def test_the_originator_is_told_at_the_drop_where_it_could_not_be_before(rig, faults):
    faults.raises = lambda name, arguments: name == "Responses.notify"
    faults.watching = True
    (msg_id,) = spoilt(rig)
    faults.watching = False
    rig.settle()
    (aside,) = rig.gateway.snapshot()["quarantined"]
    assert not aside["told"] and A not in rig.reports
    rig.gateway.server.quarantine.drop(aside["id"], rig.now)
    rig.settle()
    assert rig.reports[A] == [("MSGRESP", msg_id, "failure")]


def test_an_application_server_is_told_too(rig):
    register = {"asSvcId": AS, "targetUri": "http://192.0.2.99/in"}
    rig.http(rig.gateway.server.application_servers.register, register)
    body = {
        "oriAddr": {"addrType": "AS", "addr": AS},
        "destAddr": {"addrType": "UE", "addr": B},
        "msgId": rig.new_id(),
        "stoAndFwInd": False,
    }
    rig.http(rig.gateway.server.application_servers.message, body)
    rig.gateway.store._db.execute("UPDATE message SET head='{'")
    rig.settle()
    assert rig.reports[AS] == [("IMDN", body["msgId"], "REPT_DELY_FAILED")]


def test_a_push_that_cannot_be_made_is_set_aside_after_the_second_time(rig):
    first, second = (rig.msg(A, B, text) for text in "12")
    rig.send(A, first)
    rig.send(A, second)
    for _ in range(2):
        (push,) = rig.pushes()
        at_once(rig.gateway.unrecorded.add(push, Outcome(BROKEN, "KeyError: 'x'", answered=False)))
        rig.now += 10
    rig.settle()
    assert [record["msgId"] for record in rig.events("quarantined")] == [first["msgId"]]
    assert [heard[1] for heard in rig.heard[B]] == [second["msgId"]]
    assert rig.reports[A] == [("MSGRESP", first["msgId"], "failure")]


def command(capsys, *arguments):
    """(exit code, stdout, stderr) of `msgin5g gateway quarantine`."""
    capsys.readouterr()
    code = main(["gateway", "quarantine", *arguments])
    return code, *capsys.readouterr()


def test_the_command_beside_a_gateway_that_runs(rig, capsys):
    store = ("--store", rig.path)
    mended, dropped = spoilt(rig, 2)
    code, out, _ = command(capsys, "list", *store)
    assert (code, out.count("\n")) == (0, 2)
    first, second = out.splitlines()
    assert "set aside MSG" in first and mended in first and "from ue:a to ue:b" in first
    assert "JSON" in first and dropped in second
    id_, other = first.split()[0], second.split()[0]
    rig.gateway.store._db.execute("UPDATE quarantine SET content=substr(content, 2)")
    version = rig.gateway.store.version
    code, out, _ = command(capsys, "retry", id_, *store)
    assert code == 0 and "is tried again" in out
    assert rig.gateway.store.version != version  # by which the gateway notices
    rig.settle()
    assert [heard[1] for heard in rig.heard[B]] == [mended]
    assert command(capsys, "drop", other, *store)[0] == 0
    assert command(capsys, "list", *store) == (0, "", "")
    code, _, errors = command(capsys, "drop", other, *store)
    assert code == 2 and "see `quarantine list`" in errors
    assert command(capsys, "retry", *store)[0] == 2
    assert command(capsys, "drop", "--all", *store)[0] == 0
    assert command(capsys, "list", "--store", rig.path + "x")[0] == 2


# ---- with sockets ----------------------------------------------------------------------------------------------------


def test_a_gateway_that_runs_and_starts_with_what_raises(tmp_path):
    async def story():
        path = str(tmp_path / "g.db")
        async with gateway(path) as g, Ue(g, A) as a, Ue(g, B) as b:
            push = g.coap.push

            async def odd(peer, body, ue):
                if body.get("payload") == "odd":
                    raise KeyError("a library's own")
                return await push(peer, body, ue)

            g.coap.push = odd
            await a.register()
            await b.register()
            ids = [await a.send(B, text) for text in ("1", "odd", "2")]
            assert [(await b.next("MSG"))["msgId"] for _ in range(2)] == [ids[0], ids[2]]
            assert (await a.next("MSGRESP"))["msgId"] == ids[1]
            aside = await g.journal.wait("quarantined")
            assert (aside["msgId"], aside["to"]) == (ids[1], B) and "KeyError" in aside["reason"]
            b.answer = lambda body: None  # what comes now stays here
            spoilt = await a.send(B, "spoilt")
            good = await a.send(B, "good")
        store = Store(path)
        with store.transaction():
            store._db.execute("UPDATE message SET head='{' WHERE msg_id=?", (spoilt,))
        store.close()
        async with gateway(path) as g, Ue(g, A) as a, Ue(g, B) as b:
            await b.register()
            assert (await b.next("MSG"))["msgId"] == good
            await a.register()
            assert (await a.next("MSGRESP"))["msgId"] == spoilt
            async with aiohttp.ClientSession() as http:
                base = "http://127.0.0.1:%d" % g.http_port
                async with http.get(base + "/status.json") as response:
                    quarantined = (await response.json())["quarantined"]
                assert [each["msgId"] for each in quarantined] == [ids[1], spoilt]
                async with http.get(base + "/api/overview") as response:
                    aside = (await response.json())["quarantine"]
                assert [each["msgId"] for each in aside] == [ids[1], spoilt]
                assert "cannot be read" in aside[1]["reason"]
            assert main(["gateway", "quarantine", "retry", str(quarantined[0]["id"]), "--store", path]) == 0
            assert (await b.next("MSG"))["msgId"] == ids[1]  # it looks by itself

    run(story())


def test_a_frame_that_raises_stops_no_other_and_not_the_line():
    told, heard = [], []
    line = Line("/dev/none", 115200, 1152, lambda event, **fields: told.append((event, fields)))

    def hear(content):
        if content == b"odd":
            raise ValueError("odd")
        heard.append(content)

    line.on_coap = line.on_l3 = hear
    line.data_received(encode(COAP, b"1") + encode(L3, b"odd") + encode(COAP, b"odd") + encode(COAP, b"2"))
    assert heard == [b"1", b"2"]
    assert [(event, fields["reason"]) for event, fields in told] == [("error", "ValueError: odd")] * 2


def test_the_place_that_is_told_is_a_line_of_the_gateway(rig, monkeypatch):
    """Not one of a library that it called, and none above the decision that was undone."""
    monkeypatch.setattr(rig.gateway.server._speakers, "source", lambda peer, now: json.loads("{"))
    assert rig.ask(A, rig.msg(A, B)).code == "5.00"
    (told,) = rig.events("error")
    assert re.fullmatch(r"server\.py:\d+ in _judged", told["place"])


def test_the_place_of_what_a_library_raises():
    with pytest.raises(ValueError) as raised:
        record("{")
    assert re.fullmatch(r"tables\.py:\d+ in record", place_of(raised.value))
