# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.6.2, Messaging Topics at the MSGin5G Client, with the members of clause 7.3.5: the firmware's
core, and a server made by hand."""

import json

import aiocoap
import pytest
from aiocoap.numbers.types import Type

from host_tests.conformance.device.core import OTHER, PEER, UE, body, message, registered

MODULES = (
    "firmware/msgin5g/procedures/topics.py",
    "firmware/msgin5g/rules/subscriptions.py",
    "firmware/coap/observe/__init__.py",
)
ALSO = ("host_tests/device/procedures/test_msgin5g_topics.py",)
WHO = {"oriAddr": {"oriAddrType": "UE", "addr": UE}}
GRANTED = {"subStatus": True, "expireTime": "2030-01-01T00:00:00Z"}


def asking(topic="alerts", unsubscribe=False, core=None):
    """(a registered device, its Subscription, the request that it sends)."""
    core = core or registered()
    call = core.client.unsubscribe if unsubscribe else core.client.subscribe
    subscription = call(topic, core.tick)
    core.run(0)
    core._drain()
    (request,) = core.requests
    core.requests.clear()
    return core, subscription, request


def subscribed(topic="alerts", max_age=1000):
    core, subscription, request = asking(topic)
    core.answer(request, GRANTED, aiocoap.CONTENT, observe=1, max_age=max_age)
    assert subscription.state == "subscribed"
    return core, subscription, request


def notify(core, token, said, number=2):
    """What the device answers a notification with."""
    found = aiocoap.Message(code=aiocoap.CONTENT, payload=json.dumps(said).encode(), observe=number)
    found.opt.content_format = 50
    found.mtype, found.mid, found.token = Type.CON, 7000 + number, token
    core.client.receive(found.encode(), PEER, core.tick)
    core._drain()
    return core._answers.pop(found.mid)


# ---- 6.6.2.1: subscribing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", ["alerts", "site/7/alarm", "caf\u00e9 \u2603"])
def test_6_6_2_1_it_is_a_confirmable_get_of_the_topic_with_observe_0_and_who_asks(topic):
    _, subscription, request = asking(topic)
    assert (request.code, request.mtype) == (aiocoap.GET, Type.CON)
    assert request.opt.observe == 0
    assert request.opt.uri_path == ("msgin5g", topic)  # the topic is one option, whatever it holds
    assert request.opt.content_format == 50
    assert body(request) == WHO  # clause 7.3.5.1; without a clock there is no expireTime
    assert subscription.state == "subscribing"


@pytest.mark.parametrize("topic", ["", "a\u0007b", "x" * 256])
def test_6_6_2_1_what_can_be_no_topic_is_not_asked_for(topic):
    core = registered()
    with pytest.raises(ValueError):
        core.client.subscribe(topic, core.tick)
    assert core.requests == []


def test_6_6_2_1_the_response_says_whether_it_is_subscribed_and_until_when():
    core, subscription, _ = subscribed(max_age=1000)
    core.run(700)
    assert core.requests == []
    core.run(300)  # it is refreshed before that time is over
    request = core.requests[0]
    assert (request.code, request.opt.observe, request.opt.uri_path) == (
        aiocoap.GET,
        0,
        ("msgin5g", "alerts"),
    )


@pytest.mark.parametrize(
    "said, code, cause",
    [
        ({"subStatus": False, "cause": "no room"}, aiocoap.CONTENT, "no room"),
        ({"subStatus": False}, aiocoap.CONTENT, "no cause given"),
        (b"not for you", aiocoap.FORBIDDEN, "4.03 not for you"),
    ],
)
def test_6_6_2_1_a_status_of_not_subscribed_is_told_with_its_cause(said, code, cause):
    core, subscription, request = asking()
    core.answer(request, said, code)
    assert (subscription.state, subscription.cause) == ("refused", cause)
    core.run(3600)
    assert [each for each in core.requests if each.code == aiocoap.GET] == []


def test_6_6_2_1_the_messages_come_as_notifications_of_the_subscription_and_are_answered_as_messages_are():
    core, _, request = subscribed()
    said = message(oriDestAddr={"destAddrType": "TOPIC", "addr": "alerts"})
    answer = notify(core, request.token, said)
    assert answer.mtype == Type.ACK
    found = core.client.take(core.tick)
    assert (found.payload, found.sender, found.to_type, found.to) == ("hi", OTHER, "TOPIC", "alerts")
    assert notify(core, request.token, said, 3).mtype == Type.ACK  # known again
    assert core.client.take(core.tick) is None


def to_topic(number, payload):
    return message(number, payload=payload, oriDestAddr={"destAddrType": "TOPIC", "addr": "alerts"})


def test_6_6_2_1_a_message_that_comes_late_is_one_all_the_same():
    """RFC 7641 section 3.4 drops older states; a message is none, and each counts."""
    core, _, request = subscribed()
    assert notify(core, request.token, to_topic(2, "second"), 5).mtype == Type.ACK
    assert notify(core, request.token, to_topic(1, "first"), 4).mtype == Type.ACK
    assert [core.client.take(core.tick).payload for _ in range(2)] == ["second", "first"]


def test_6_6_2_1_it_subscribes_again_before_its_time_is_over():
    core, _, _ = subscribed(max_age=1000)
    core.run(600)
    assert core.requests == []
    for _ in range(390):
        core.run(1)
        if core.requests:
            break
    (again,) = core.requests
    assert (again.opt.observe, again.opt.uri_path) == (0, ("msgin5g", "alerts"))


def test_6_6_2_1_a_server_that_posts_what_was_sent_to_the_topic_is_understood_too():
    core, _, _ = subscribed()
    assert core.code(message(oriDestAddr={"destAddrType": "TOPIC", "addr": "alerts"})) == "2.04"
    assert core.client.take(core.tick).to == "alerts"


def test_6_6_2_1_the_report_on_it_goes_to_the_originator():
    core, _, request = subscribed()
    said = message(isDelivStatReq=True, oriDestAddr={"destAddrType": "TOPIC", "addr": "alerts"})
    notify(core, request.token, said)
    core.client.take(core.tick)
    core.run(1)
    report = body(core.next("IMDN"))
    assert report["destAddr"] == {"destAddrType": "UE", "addr": OTHER}
    assert (report["msgId"], report["DelSta"]) == (said["msgId"], "success")


def test_6_6_2_1_nobody_subscribes_before_it_is_registered_there():
    core, subscription, request = asking()
    core.answer(request, b"not registered", aiocoap.UNAUTHORIZED)
    core.run(1)
    assert body(core.next("REG"))["oriAddr"] == WHO["oriAddr"]


# ---- 6.6.2.2: unsubscribing ------------------------------------------------------------------------------------------


def test_6_6_2_2_it_is_a_confirmable_get_of_the_topic_with_observe_1_and_who_asks():
    core, _, first = subscribed()
    _, subscription, request = asking(unsubscribe=True, core=core)
    assert (request.code, request.mtype) == (aiocoap.GET, Type.CON)
    assert request.opt.observe == 1
    assert request.opt.uri_path == ("msgin5g", "alerts")
    assert request.opt.content_format == 50
    assert request.token == first.token  # RFC 7641 section 3.6
    assert body(request) == WHO  # clause 7.3.5.2
    assert subscription.state == "unsubscribing"


def test_6_6_2_2_with_the_response_it_is_over():
    core, _, first = subscribed()
    _, subscription, request = asking(unsubscribe=True, core=core)
    core.answer(request, {"subStatus": False}, aiocoap.CONTENT)
    assert subscription.state == "unsubscribed"
    late = message(oriDestAddr={"destAddrType": "TOPIC", "addr": "alerts"})
    assert (
        notify(core, first.token, late).mtype == Type.RST
    )  # RFC 7641 section 3.6: nobody observes it any more
    core.run(3600)
    assert [each for each in core.requests if each.code == aiocoap.GET] == []


@pytest.mark.parametrize("code", [aiocoap.NOT_FOUND, aiocoap.BAD_REQUEST, aiocoap.FORBIDDEN])
def test_6_6_2_2_a_final_answer_ends_it_as_well(code):
    core, _, _ = subscribed()
    _, subscription, request = asking(unsubscribe=True, core=core)
    core.answer(request, b"", code)
    assert subscription.state == "unsubscribed"


def test_6_6_2_2_where_the_server_is_not_well_it_asks_again():
    core, _, _ = subscribed()
    _, subscription, request = asking(unsubscribe=True, core=core)
    core.answer(request, b"", aiocoap.SERVICE_UNAVAILABLE)
    assert subscription.state == "unsubscribing"
    core.run(10)
    (again,) = [each for each in core.requests if each.code == aiocoap.GET]
    assert (again.opt.observe, again.opt.uri_path) == (1, ("msgin5g", "alerts"))
