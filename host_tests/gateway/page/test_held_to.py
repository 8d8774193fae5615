# SPDX-License-Identifier: MIT
"""What the OpenAPI document says of members is what the running gateway takes: each type, each bound, each name."""

import asyncio
import json

import aiohttp
import pytest

from host_tests.gateway.page import described
from host_tests.gateway.page.test_statuses import NETWORK, watched
from host_tests.gateway.scripted import ApplicationServer, Ue, gateway, run

WEATHER, SENSOR = "as:weather@example.org", "ue:sensor-1@example.org"
VALUES = [None, True, 0, 7.5, "\u00e4", [], ["x", 1], {}]
REGISTER, DELIVER = "/msgs-asregistration/v1/registrations", "/msgs-msgdelivery/v1/deliver-as-message"
SUBSCRIBE = "/msgs-topiclistevent/v1/request-topic-subscription"
LIST = "/msgs-topiclistevent/v1/topiclist-subscriptions"
UNSUBSCRIBE = "/msgs-topiclistevent/v1/request-topic-unsubscription"
UE_MESSAGE, PHONE = "/msgs-msgdelivery/v1/deliver-ue-message", "ue:phone@sms.example.org"
REPORT, PUSH = "/msgs-msgdelivery/v1/deliver-report", "/admin/push"
FULL = {  # each with all of its members
    REGISTER: {
        "asSvcId": WEATHER,
        "appId": "x",
        "targetUri": "http://127.0.0.1:1/in",
        "asProf": {
            "appName": "x",
            "appProviders": ["x"],
            "appSenarios": ["x"],
            "appCategory": "x",
            "asStatus": "x",
        },
    },
    DELIVER: {
        "oriAddr": {"addrType": "AS", "addr": WEATHER},
        "destAddr": {"addrType": "UE", "addr": SENSOR},
        "appId": "x",
        "msgId": "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d",
        "delivStReqInd": True,
        "payload": "x",
        "priority": "LOW",
        "segInd": False,
        "segParams": {"segId": "x", "totalSegCount": 1, "segNumb": 1, "lastSegFlag": True},
        "stoAndFwInd": True,
        "stoAndFwParams": {"exprTime": "2100-01-01T00:00:00Z"},
        "latency": 1,
    },
    UE_MESSAGE: {
        "oriAddr": {"addrType": "UE", "addr": PHONE},
        "destAddr": {"addrType": "UE", "addr": SENSOR},
        "appId": "x",
        "msgId": "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6e",
        "delivStReqInd": True,
        "payload": "x",
        "segInd": False,
        "segParams": {"segId": "x", "totalSegCount": 1, "segNumb": 1, "lastSegFlag": True},
        "stoAndFwInd": True,
        "stoAndFwParams": {"exprTime": "2100-01-01T00:00:00Z"},
    },
    REPORT: {
        "oriAddr": {"addrType": "AS", "addr": WEATHER},
        "destAddr": {"addrType": "UE", "addr": SENSOR},
        "msgId": "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d",
        "delivSt": "REPT_DELY_FAILED",
        "failureCause": "x",
    },
    SUBSCRIBE: {
        "oriAddr": {"addrType": "AS", "addr": WEATHER},
        "msgTopics": ["x"],
        "secCred": "x",
        "exprTime": "2100-01-01T00:00:00Z",
    },
    UNSUBSCRIBE: {"oriAddr": {"addrType": "AS", "addr": WEATHER}, "msgTopics": ["x"], "secCred": "x"},
    "/t8/monitoring/{token}": {
        "subscription": "http://192.0.2.50/s/1",
        "monitoringEventReports": [{"monitoringType": "UE_REACHABILITY"}],
        "cancelInd": True,
    },
    "/t8/triggering/{token}": {"transaction": "http://192.0.2.50/t/1", "result": "SUCCESS"},
    LIST: {
        "oriAddr": {"addrType": "SERVER", "addr": "b.example"},
        "destAddr": {"addrType": "SERVER", "addr": "a.example"},
        "notificationURI": "http://127.0.0.1:1/in",
        "secCred": "x",
        "exprTime": "2100-01-01T00:00:00Z",
        "suppFeat": "0",
    },
    PUSH: {"to": SENSOR, "body": {}},
    "/api/send": {"to": SENSOR, "toType": "UE", "payload": "x", "encoding": "text", "report": True},
}


def schema_of(path):
    request = described.operations()[path, "post"]["requestBody"]
    return described.reads(request["content"]["application/json"]["schema"])


def changed(body, path, value, drop=False):
    """The body with another value at the path, a tuple of names, or without it."""
    made = json.loads(json.dumps(body))
    inner = made
    for name in path[:-1]:
        inner = inner[name]
    if drop:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return made


def members(body, above=()):
    for name, value in body.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from members(value, (*above, name))


async def posted(g, path, body, headers=None):
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            "http://127.0.0.1:%d%s" % (g.http_port, path.format(token=NETWORK)),
            data=body if isinstance(body, bytes) else json.dumps(body),
            headers={"Content-Type": "application/json"} | (headers or {}),
        ) as response,
    ):
        octets = await response.read()
        described.check(path, "post", response.status, response.headers, octets)
        return response.status, json.loads(octets) if octets else None


@pytest.mark.parametrize("path", FULL, ids=lambda path: path.rpartition("/")[2])
def test_each_member_is_taken_with_the_types_that_are_described_and_no_others(path):
    schema = schema_of(path)

    async def main():
        async with gateway() as g, Ue(g, SENSOR) as ue, ApplicationServer(g, WEATHER) as as_:
            await ue.register()
            await as_.register()
            own = described.token_of(g, path, FULL[path])
            watched(g)
            assert (await posted(g, path, FULL[path], own))[0] < 300
            for member in members(FULL[path]):
                variants = [changed(FULL[path], member, value) for value in VALUES]
                for body in [*variants, changed(FULL[path], member, None, drop=True)]:
                    status, answer = await posted(g, path, body, own)
                    valid = schema.is_valid(body)
                    assert status in ((200, 201, 202, 204, 403, 404) if valid else (400,)), (
                        member,
                        body,
                        answer,
                    )
                    if not valid:
                        (wrong,) = answer["invalidParams"]
                        assert ".".join(member).startswith(wrong["param"]) or wrong["param"].startswith(
                            ".".join(member)
                        )

    run(main())


def test_the_full_bodies_have_each_member_that_is_described():
    for path, body in FULL.items():
        request = described.operations()[path, "post"]["requestBody"]["content"]["application/json"]["schema"]
        assert set(members(body)) >= set(described.members(request)), path


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'{"asSvcId": "as:a"} x',
        b"\xef\xbb\xbf{}",
        b'{"asSvcId": "\xff"}',
        '{"asSvcId": "as:a"}'.encode("utf-16"),
        b'{"asSvcId": "as:\\ud800"}',
        b'{"asSvcId ": "as:a"}',
        b'{"asSvcId": "as:a", "asProf": {"x": NaN}}',
        b'{"asSvcId": "as:a", "asProf": {"x": 1e999}}',
        b'{"asSvcId": "as:a", "asProf": {"x": %s}}' % (b"9" * 5000),
        b'{"asSvcId": "as:a", "asProf": {"x": %s}}' % (b"9" * 4200),
        b'{"asSvcId": "as:a", "x": %s}' % (b"[" * 100_000),
        b'{"asSvcId": "as:a", "x": %s%s}' % (b'{"a":' * 100_000, b"}" * 100_000),
    ],
    ids=lambda text: repr(text[:45]),
)
def test_what_is_no_json_object_in_utf_8_is_refused_and_nothing_is_kept(text):
    async def main():
        async with gateway() as g:
            status, answer = await posted(g, REGISTER, text)
            assert status == 400 and answer["invalidParams"][0]["param"] in ("body", "asSvcId", "asProf")
            assert g.store.application_servers() == []

    run(main())


@pytest.mark.parametrize(
    "text, member",
    [
        ('{"asSvcId": "as:a", "asSvcId": "as:b"}', "asSvcId"),
        ('{"asSvcId": "as:a", "asProf": {"x": 1, "x": 1}}', "x"),
        ('{"asSvcId": "as:a", "\\ud800": 1, "\\ud800": 1}', "?"),
        ('{"asSvcId": "as:a", "\\u0061sSvcId": "as:b"}', "asSvcId"),
    ],
)
def test_a_member_that_comes_twice_is_named(text, member):
    """Two readers of such a body could read two things (RFC 8259 section 4)."""

    async def main():
        async with gateway() as g:
            status, answer = await posted(g, REGISTER, text.encode())
            assert status == 400
            assert answer["invalidParams"] == [{"param": member, "reason": "comes twice"}]
            assert g.store.application_servers() == []

    run(main())


def test_members_that_are_not_described_are_ignored():
    async def main():
        async with gateway() as g, ApplicationServer(g, WEATHER) as as_:
            assert (await posted(g, REGISTER, FULL[REGISTER] | {"": 0, "constructor": {"a": [None]}}))[
                0
            ] == 201
            body = as_.message(SENSOR, "x") | {"secCred": "old", "ASSVCID": 7}
            assert (await posted(g, DELIVER, body))[0] == 200

    run(main())


@pytest.mark.parametrize("text", ["as:" + "\u00e4" * 126 + "x", "as:" + "a" * 253], ids=len)
def test_a_service_id_is_bounded_in_octets(text):
    async def main():
        async with gateway() as g:
            assert (await posted(g, REGISTER, {"asSvcId": text}))[0] == 400
            assert (await posted(g, REGISTER, {"asSvcId": text[:-1]}))[0] == 201

    run(main())


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "x",
        "ftp://h/",
        "http://",
        "http:///x",
        "http://h:0/",
        "http://h:70000/",
        "http://a b/",
        "http://[::1/",
    ]
    + ["http://h/\n", "//h/", "http://h/" + "x" * 2048],
    ids=lambda uri: uri[:12],
)
def test_a_target_is_a_uri_that_can_be_posted_to(uri):
    async def main():
        async with gateway() as g:
            status, answer = await posted(g, REGISTER, {"asSvcId": WEATHER, "targetUri": uri})
            assert status == 400 and answer["invalidParams"][0]["param"] == "targetUri"

    run(main())


def test_two_that_send_at_once_are_answered_each():
    async def main():
        async with gateway() as g:
            answers = await asyncio.gather(
                *(posted(g, REGISTER, {"asSvcId": "as:%d" % n}) for n in range(20))
            )
            assert [(status, ack["asSvcId"]) for status, ack in answers] == [
                (201, "as:%d" % n) for n in range(20)
            ]

    run(main())
