# SPDX-License-Identifier: MIT
"""Both ends read the same bodies: what the gateway's server takes from a device, a device takes from a server, and each
names the same member of what neither takes. One table is fed to both, so this test imports both sides."""

import json

import pytest

from host_tests.gateway.server.test_decisions import Bench
from host_tests.properties.device_world import UE, Scene, code_of
from tools.wire.identity import Peer

SENDER = "ue:b@x"
HERE, THERE = Peer("192.0.2.1", 1), Peer("192.0.2.2", 1)
ID = "0e4a8ac6-54a9-4d2c-8a6c-3d4b6a0a7a1%d"


def body(kind, **members):
    head = {"msgIden": "urn:3gpp:msgin5g", "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": SENDER}}
    head |= {"destAddr": {"destAddrType": "UE", "addr": UE}, "msgId": ID % 0}
    return {name: value for name, value in (head | members).items() if value is not ...}


def msg(**members):
    return body("MSG", **({"payload": "hi"} | members))


def segment(**params):
    return msg(isSegmented=True, segParams={"segId": "ab", "segNumb": 1, "totalSegCount": 2} | params)


def listed(*elements, **members):
    elements = [{"msgId": ID % n, "payload": "e"} | each for n, each in enumerate(elements, 1)]
    return msg(payload=..., msgList=elements, **members)


def imdn(**members):
    return body("IMDN", **({"DelSta": "success"} | members))


def about_set(kind, **members):
    members = {"msgIden": "urn:3gpp:msgin5g", "msgType": kind, "segId": "ab"} | members
    return {name: value for name, value in members.items() if value is not ...}


def confirmation(**members):
    return about_set("SEGCONFIR", **members)


def recovery(**members):
    return about_set("SEGREC", **{"segNoList": "(1-1)"} | members)


TAKEN = [
    msg(),
    msg(payload=...),
    msg(payload=None),
    msg(payload="data:;base64,QUI="),
    msg(appId="1"),
    msg(appId=["1", "2"]),
    msg(appId=[]),
    msg(isDelivStatReq="true"),
    msg(isDelivStatReq="False"),
    msg(isDelivStatReq=None),
    msg(priority="MIDDLE"),
    msg(priority="MEDIUM"),
    msg(priority="LOW"),
    msg(msgId=(ID % 0).upper()),
    msg(msgType="msg"),
    msg(unknown={"a": [1]}, secCred="x"),
    msg(oriAddr={"addr": SENDER}),
    msg(oriAddr={"oriAddrType": "ue", "addr": SENDER}),
    msg(destAddr={"destAddrType": "ue", "addr": UE}),
    {name + " ": value for name, value in msg().items()},
    segment(),
    segment(segNumb="1", totalSegCount="2"),
    segment(segNumb=1.0),
    segment(lastSegFlag=False),
    segment(lastSegFlag="false"),
    segment(lastSegFlag="0"),
    segment(lastSegFlag=""),
    segment(lastSegFlag=0),
    segment(segNumb=2, lastSegFlag="1"),
    segment(segNumb=2, lastSegFlag=1),
    segment(segNumb=2, lastSegFlag="yes", totalSegCount=None),
    segment(segNumb=2, lastSegFlag="TRUE"),
    listed({}),
    listed({}, {}, totalMsgCount=2),
    listed({"priority": "LOW", "isDelivStatReq": "true", "appId": ["1"]}, appId="2", isDelivStatReq=True),
    imdn(),
    imdn(DelSta="FAILURE", cause="full"),
    imdn(DelSta="failure", Cause="full"),
    imdn(msgId=(ID % 0).upper()),
    confirmation(result=True),
    confirmation(result="False"),
    body(
        "IMDN",
        msgList=[
            {"msgId": ID % 1, "DelSta": "success"},
            {"msgId": ID % 2, "DelSta": "failure", "Cause": "x"},
        ],
    ),
]
REFUSED = [
    (msg(msgIden=...), "msgIden"),
    (msg(msgIden="urn:other"), "msgIden"),
    (msg(msgType=5), "msgType"),
    (msg(msgType="HELLO"), "msgType"),
    (msg(oriAddr=...), "oriAddr"),
    (msg(oriAddr="ue:b"), "oriAddr"),
    (msg(oriAddr={"oriAddrType": "UE", "addr": ""}), "oriAddr.addr"),
    (msg(oriAddr={"oriAddrType": "PLANET", "addr": SENDER}), "oriAddr.oriAddrType"),
    (msg(destAddr=...), "destAddr"),
    (msg(destAddr={"destAddrType": "PLANET", "addr": UE}), "destAddr.destAddrType"),
    (msg(msgId=...), "msgId"),
    (msg(msgId=5), "msgId"),
    (msg(msgId=""), "msgId"),
    (msg(payload=7), "payload"),
    (msg(payload="data:;base64,!"), "payload"),
    (msg(appId=7), "appId"),
    (msg(appId=[7]), "appId"),
    (msg(isDelivStatReq="perhaps"), "isDelivStatReq"),
    (msg(isDelivStatReq=1), "isDelivStatReq"),
    (msg(isDelivStatReq=0.0), "isDelivStatReq"),
    (msg(isDelivStatReq=" true"), "isDelivStatReq"),
    (msg(isSegmented=1), "isSegmented"),
    (msg(priority="URGENT"), "priority"),
    (msg(isSegmented="perhaps"), "isSegmented"),
    (msg(isSegmented=True), "seg"),
    (segment(segId=None), "seg"),
    (segment(segId=""), "seg"),
    (segment(segNumb=0), "seg"),
    (segment(segNumb=3), "seg"),
    (segment(segNumb=1.5), "seg"),
    (segment(lastSegFlag=[]), "lastSegFlag"),
    (segment(lastSegFlag=True), "seg"),
    (listed(), "msgList"),
    (listed({}, totalMsgCount=2), "totalMsgCount"),
    (msg(payload=..., msgList={}), "msgList"),
    (msg(payload=..., msgList=["x"]), "msgList"),
    (listed({}, {"msgId": None}), "msg"),
    (imdn(DelSta="perhaps"), "DelSta"),
    (imdn(DelSta=None), "DelSta"),
    (imdn(Cause=5, DelSta="failure"), "Cause"),
    *((confirmation(**each), "result") for each in ({}, {"result": None}, {"result": 1}, {"result": "yes"})),
    (confirmation(result=True, segId=None), "segId"),
    *(
        (recovery(segNoList=each), "segNoList")
        for each in (None, "", "(2-1)", "(0-1)", "(a-b)", 1, ["(1-1)"])
    ),
    (recovery(segId=...), "segId"),
]


def both(members):
    """(code, diagnostic) of the server and of the device."""
    bench = Bench()
    bench.register(SENDER, HERE)
    bench.register(UE, THERE)
    answer = bench.ask(HERE, members)
    scene = Scene().start()
    reply = scene.post(json.dumps(members).encode())
    return (answer.code, answer.diagnostic), (code_of(reply), bytes(reply.payload).decode())


@pytest.mark.parametrize("members", TAKEN, ids=range(len(TAKEN)))
def test_taken(members):
    server, device = both(members)
    assert (server, device) == (("2.04", ""), ("2.04", ""))


@pytest.mark.parametrize("members, member", REFUSED, ids=range(len(REFUSED)))
def test_refused(members, member):
    for code, diagnostic in both(members):
        assert code == "4.00" and member in diagnostic.split(":")[0], diagnostic


# (first, last) pairs of segNoList; None where it is none: each end asks the other with it
@pytest.mark.parametrize(
    "text, ranges",
    [
        ("(5-7, 10-10, 15-19)", [(5, 7), (10, 10), (15, 19)]),
        ("(1-1),(2-2)", [(1, 1), (2, 2)]),
        ("5-7,10", [(5, 7), (10, 10)]),
        (" ( 1 - 2 ) ", [(1, 2)]),
        ("", None),
        ("()", None),
        ("7-5", None),
        ("0-3", None),
        ("1-2-3", None),
        ("a-b", None),
        ("٣-٤", None),
    ],
)
def test_ranges(text, ranges):
    from msgin5g import BodyError
    from msgin5g.wire import reading as device
    from tools.wire import segments

    for read, error in ((segments.read_ranges, ValueError), (device.read_ranges, BodyError)):
        if ranges is None:
            with pytest.raises(error):
                read(text)
        else:
            assert [tuple(each) for each in read(text)] == ranges
