# SPDX-License-Identifier: MIT
"""Messaging topics at the device: TS 24.538 clauses 6.6.2 and 7.3.5, with a server that the test scripts."""

import coap
from common import equal, raises
from msgin5g import MemoryStorage, StorageError, procedures
from msgin5g_scene import GRANTED, HOUR, MINUTE, SECOND, Scene, agree, max_age, msg, segment

TO_TOPIC = '"oriDestAddr":{"destAddrType":"TOPIC","addr":"alerts"},'
SUBSCRIBED = b'{"subStatus":true,"expireTime":"2030-01-01T00:00:00Z"}'
OBSERVED = [(coap.OBSERVE, b"\x01")]
ACKED = (coap.ACK, coap.EMPTY)


def granting(lifetime=1000, more=OBSERVED):
    """All goes well; a subscription lasts so many seconds."""

    def answer(asked):
        if asked.kind != "TOPIC":
            return agree(asked)
        if asked.message.uint(coap.OBSERVE) == 1:
            return coap.CONTENT, b'{"subStatus":false}'
        return coap.CONTENT, SUBSCRIBED, list(more) + max_age(lifetime)

    return answer


def refusing(said):
    """All goes well but subscriptions, which get this answer."""
    return lambda asked: said if asked.kind == "TOPIC" else agree(asked)


def subscribe(scene, topic="alerts"):
    subscription = scene.client.subscribe(topic, scene.tick)
    scene._pump()
    return subscription


def unsubscribe(scene, topic="alerts"):
    subscription = scene.client.unsubscribe(topic, scene.tick)
    scene._pump()
    return subscription


def token(scene):
    return scene.of("TOPIC")[-1].message.token


def topics(scene):
    """What was asked about topics: (Observe, topic)."""
    return [
        (asked.message.uint(coap.OBSERVE), str(asked.message.options[2][1], "utf-8"))
        for asked in scene.of("TOPIC")
    ]


def kind(message):
    return (message.type, message.code)


class FailingStorage(MemoryStorage):
    """A medium that takes nothing more: the stand-in for flash that is full."""

    full = False

    def append(self, name, octets, more=False):
        if self.full:
            raise OSError(28)
        super().append(name, octets, more)

    def replace(self, name, octets):
        if self.full:
            raise OSError(28)
        super().replace(name, octets)


def test_a_subscription_on_the_wire():
    # GET, Confirmable, Observe 0, the topic as one Uri-Path, JSON that says who: clause 6.6.2.1
    scene = Scene(granting()).start()
    subscription = subscribe(scene, "a/b c")
    equal(subscription.state, "subscribed")
    (asked,) = scene.of("TOPIC")
    equal(asked.octets, b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"}}')
    message = asked.message
    equal((message.type, message.code, len(message.token)), (coap.CON, coap.GET, 4))
    equal(
        message.options,
        [
            (coap.OBSERVE, b""),
            (coap.URI_PATH, b"msgin5g"),
            (coap.URI_PATH, b"a/b c"),
            (coap.CONTENT_FORMAT, b"\x32"),
        ],
    )


def test_the_end_of_it_on_the_wire():
    # the same with Observe 1 and the token of the subscription: clause 6.6.2.2
    scene = Scene(granting()).start()
    subscribe(scene)
    before = token(scene)
    equal(unsubscribe(scene).state, "unsubscribed")
    equal(topics(scene), [(0, "alerts"), (1, "alerts")])
    equal(token(scene), before)
    equal(scene.files, [])
    scene.run(10 * HOUR)
    equal(topics(scene), [(0, "alerts"), (1, "alerts")])


def test_a_message_by_notification():
    scene = Scene(granting()).start()
    subscribe(scene)
    equal(kind(scene.notify(token(scene), msg("m-1", '"fire"', more=TO_TOPIC), 2)), ACKED)
    message = scene.take()
    equal((message.payload, message.sender), ("fire", "ue:b@x"))
    equal((message.to, message.to_type), ("alerts", "TOPIC"))


def test_a_message_while_a_renewal_is_on_the_air():
    # In the clear it can't be told from a response that comes separately (RFC 7252 section 5.3.2): it ends the request,
    # is a message all the same, and the renewal is asked for once more.
    scene = Scene(granting(1000)).start()
    subscription = subscribe(scene)
    known = token(scene)
    scene.answer = lambda asked: None if asked.kind == "TOPIC" else agree(asked)
    while len(topics(scene)) < 2:
        scene.run(SECOND)
    equal(kind(scene.notify(known, msg("m-1", '"fire"', more=TO_TOPIC), 2)), ACKED)
    equal(scene.take().payload, "fire")
    scene.answer = granting(1000)
    scene.run(10 * SECOND)
    equal(len(topics(scene)), 3)
    equal((subscription.state, scene.client.inbox), ("subscribed", []))


def test_by_notification_and_by_post_it_is_told_once():
    scene = Scene(granting()).start()
    subscribe(scene)
    body = msg("m-1", more=TO_TOPIC)
    equal(kind(scene.notify(token(scene), body, 2)), ACKED)
    equal(scene.post(body).code, coap.CHANGED)
    equal(kind(scene.notify(token(scene), body, 3)), ACKED)
    equal((scene.arrivals, scene.client.stats["repeated"]), (1, 2))


def test_a_report_is_sent_of_it():
    scene = Scene(granting()).start()
    subscribe(scene)
    scene.notify(token(scene), msg("m-1", more=TO_TOPIC + '"isDelivStatReq":true,'), 2)
    scene.take()
    equal(scene.of("IMDN")[0].body["destAddr"], {"destAddrType": "UE", "addr": "ue:b@x"})


def test_a_large_one_comes_in_segments():
    scene = Scene(granting()).start()
    subscribe(scene)
    equal(kind(scene.notify(token(scene), segment(2, 2, '"world"', more=TO_TOPIC), 2)), ACKED)
    equal(scene.client.inbox, [])
    equal(kind(scene.notify(token(scene), segment(1, 2, '"hello "', more=TO_TOPIC), 3)), ACKED)
    message = scene.take()
    equal((message.payload, message.to, message.to_type), ("hello world", "alerts", "TOPIC"))
    equal(scene.of("SEGCONFIR")[0].body["result"], True)


def test_not_acknowledged_before_it_is_safe():
    storage = FailingStorage()
    scene = Scene(granting(), storage).start()
    subscribe(scene)
    storage.full = True
    body = msg("m-1", more=TO_TOPIC)
    equal(scene.notify(token(scene), body, 2, mid=0x7001), None)
    equal(scene.client.inbox, [])
    storage.full = False
    equal(kind(scene.notify(token(scene), body, 2, mid=0x7001)), ACKED)
    equal(scene.arrivals, 1)


def test_a_full_inbox_acknowledges_nothing():
    scene = Scene(granting(), inbox={"messages": 1}).start()
    subscribe(scene)
    equal(kind(scene.notify(token(scene), msg("m-1", more=TO_TOPIC), 2)), ACKED)
    second = msg("m-2", more=TO_TOPIC)
    equal(scene.notify(token(scene), second, 3, mid=0x7002), None)
    scene.take()
    equal(kind(scene.notify(token(scene), second, 3, mid=0x7002)), ACKED)
    equal(scene.take().message_id, "m-2")


def test_what_is_no_message_is_not_acknowledged():
    scene = Scene(granting()).start()
    subscribe(scene)
    for body in (b"", b"{", b'{"subStatus":true}', msg().replace(b"ue:a@x", b"ue:c@x")):
        equal(scene.notify(token(scene), body, 2), None)
    equal(scene.client.inbox, [])
    equal(kind(scene.notify(token(scene), msg("m-1", more=TO_TOPIC), 3)), ACKED)


def test_renewed_before_its_time_is_over():
    # Max-Age 1000 s: again after 800 s, 5 % more or less, under the same token
    scene = Scene(granting(1000)).start()
    subscribe(scene)
    first = token(scene)
    scene.run(759 * SECOND)
    equal(scene.count["TOPIC"], 1)
    scene.run(82 * SECOND)
    equal(scene.count["TOPIC"], 2)
    equal(token(scene), first)
    equal(kind(scene.notify(first, msg("m-1", more=TO_TOPIC), 2)), ACKED)


def test_an_integer_serves_where_there_is_no_max_age():
    said = (coap.CONTENT, b'{"subStatus":true,"expireTime":200}', OBSERVED)
    scene = Scene(refusing(said)).start()
    subscribe(scene)
    scene.run(151 * SECOND)
    equal(scene.count["TOPIC"], 1)
    scene.run(18 * SECOND)
    equal(scene.count["TOPIC"], 2)


def test_a_server_that_only_posts_will_do():
    scene = Scene(granting(more=())).start()
    equal(subscribe(scene).state, "subscribed")
    equal(scene.post(msg("m-1", more=TO_TOPIC)).code, coap.CHANGED)
    equal(scene.take().to, "alerts")
    unsubscribe(scene)
    equal(topics(scene), [(0, "alerts"), (1, "alerts")])


def test_asked_for_once_it_is_registered():
    scene = Scene(granting())
    subscription = subscribe(scene)
    equal((subscription.state, scene.count), ("subscribing", {}))
    scene.start()
    equal(subscription.state, "subscribed")


def test_a_new_registration_subscribes_anew():
    # 4.01 to a message: the server lost its memory, and with it the subscriptions
    said = [coap.UNAUTHORIZED]
    good = granting()
    scene = Scene(lambda asked: said.pop() if asked.kind == "MSG" and said else good(asked)).start()
    subscribe(scene)
    equal(scene.count["TOPIC"], 1)
    scene.send()
    scene.run(20 * SECOND)
    equal((scene.count["REG"], scene.count["TOPIC"]), (2, 2))
    # a mere refresh does not
    scene.run(8 * MINUTE)
    equal(scene.count["TOPIC"], 2)


def test_4_01_to_a_subscription_registers_first():
    said = [coap.UNAUTHORIZED]
    good = granting()
    scene = Scene(lambda asked: said.pop() if asked.kind == "TOPIC" and said else good(asked)).start()
    equal(subscribe(scene).state, "subscribed")
    equal(scene.kinds(), ["REG", "TOPIC", "REG", "TOPIC"])


def test_a_reboot_forgets_none():
    storage = MemoryStorage()
    scene = Scene(granting(), storage).start()
    subscribe(scene, "alerts")
    subscribe(scene, "weather")
    unsubscribe(scene, "weather")
    scene = Scene(granting(), storage, seed=2).start()
    equal(topics(scene), [(0, "alerts")])
    equal(kind(scene.notify(token(scene), msg("m-1", more=TO_TOPIC), 2)), ACKED)


def test_a_row_that_is_broken_keeps_nobody_from_starting():
    for octets in (b"[[", b"\xff", b"x"):
        storage = MemoryStorage()
        storage.replace("topics", octets)
        scene = Scene(granting(), storage).start()
        equal(subscribe(scene).state, "subscribed")
        equal(topics(scene), [(0, "alerts")])


def test_an_end_that_was_not_said_is_said_after_a_reboot():
    storage = MemoryStorage()
    good = granting()
    scene = Scene(
        lambda asked: None if asked.message.uint(coap.OBSERVE) == 1 else good(asked), storage
    ).start()
    subscribe(scene)
    equal(unsubscribe(scene).state, "unsubscribing")
    scene = Scene(good, storage, seed=2).start()
    equal(topics(scene), [(1, "alerts")])
    equal(storage.read("topics", 0, 1), b"")


def test_refused():
    # the first time it is the application's affair
    for said, cause in (
        ((coap.NOT_FOUND, b"no such topic"), "4.04 no such topic"),
        ((coap.FORBIDDEN, b""), "4.03"),
        ((coap.CONTENT, b'{"subStatus":false,"cause":"too many"}'), "too many"),
        ((coap.CONTENT, b"[]"), "answer not understood, body: not a JSON object"),
    ):
        scene = Scene(refusing(said)).start()
        subscription = subscribe(scene)
        equal((subscription.state, subscription.cause), ("refused", cause))
        equal(scene.files, [])
        scene.run(3 * HOUR)
        equal(scene.count["TOPIC"], 1)


def test_what_is_refused_is_not_observed():
    # A 2.05 with Observe says that the server notifies. Nobody wants that here: RFC 7641 section 3.6, Reset.
    scene = Scene(refusing((coap.CONTENT, b'{"subStatus":false}', OBSERVED))).start()
    for number in range(9):
        equal(subscribe(scene, "t%d" % number).state, "refused")
    equal(len(scene.client.endpoint.observations), 0)
    equal(kind(scene.notify(token(scene), msg(more=TO_TOPIC), 2)), (coap.RST, coap.EMPTY))
    equal(scene.client.inbox, [])
    scene.answer = granting()
    equal(subscribe(scene).state, "subscribed")


def test_refused_after_it_was_granted_is_tried_again():
    storage = MemoryStorage()
    subscribe(Scene(granting(), storage).start())
    scene = Scene(refusing(coap.FORBIDDEN), storage, seed=2).start()
    scene.run(10 * MINUTE)  # after 60, 120, 240 s, a quarter more or less
    equal(scene.count["TOPIC"], 4)
    scene.answer = granting()
    scene.run(20 * MINUTE)
    equal(scene.client.procedure("topics").subscriptions[0].state, "subscribed")


def test_no_answer_is_tried_again():
    scene = Scene(refusing(None)).start()
    subscription = subscribe(scene)
    scene.run(10 * MINUTE)
    equal(subscription.state, "subscribing")
    assert scene.count["TOPIC"] >= 4, scene.count
    scene.answer = granting()
    scene.run(10 * MINUTE)
    equal(subscription.state, "subscribed")


def test_later_means_later():
    scene = Scene(refusing((coap.SERVICE_UNAVAILABLE, b"", max_age(100)))).start()
    subscribe(scene)
    scene.run(99 * SECOND)
    equal(scene.count["TOPIC"], 1)
    scene.run(2 * SECOND)
    equal(scene.count["TOPIC"], 2)


def test_an_error_notification_makes_it_ask_again():
    scene = Scene(granting()).start()
    subscription = subscribe(scene)
    first = token(scene)
    equal(kind(scene.notify(first, b"gone", None, coap.NOT_FOUND)), ACKED)
    scene.run(10 * SECOND)
    equal((scene.count["TOPIC"], subscription.state), (2, "subscribed"))
    assert token(scene) != first
    equal(kind(scene.notify(first, msg(), 9)), (coap.RST, coap.EMPTY))


def test_the_application_changes_its_mind():
    scene = Scene(refusing(None)).start()
    subscription = subscribe(scene)
    unsubscribe(scene)
    assert subscribe(scene) is subscription
    unsubscribe(scene)
    scene.answer = granting()
    scene.run(5 * MINUTE)
    equal(subscription.state, "unsubscribed")
    equal(topics(scene)[-1], (1, "alerts"))


def test_twice_is_once():
    scene = Scene(granting()).start()
    assert subscribe(scene) is subscribe(scene)
    equal(scene.count["TOPIC"], 1)
    equal(unsubscribe(scene, "other").state, "unsubscribed")
    equal(scene.count["TOPIC"], 1)


def test_what_can_be_no_topic():
    scene = Scene(granting()).start()
    for topic in ("", "a\n", "x" * 256, b"alerts", None):
        raises(ValueError, subscribe, scene, topic)
    for number in range(8):
        subscribe(scene, "t%d" % number)
    raises(ValueError, subscribe, scene, "t8")
    unsubscribe(scene, "t0")
    equal(subscribe(scene, "t8").state, "subscribed")


def test_a_storage_that_fails_is_told():
    storage = FailingStorage()
    scene = Scene(granting(), storage).start()
    storage.full = True
    raises(StorageError, subscribe, scene)
    equal(scene.count.get("TOPIC"), None)
    storage.full = False
    subscribe(scene)
    storage.full = True
    raises(StorageError, unsubscribe, scene)
    equal(scene.count["TOPIC"], 1)
    equal(kind(scene.notify(token(scene), b"gone", None, coap.NOT_FOUND)), ACKED)
    storage.full = False
    scene.run(10 * SECOND)
    equal(topics(scene)[-1], (0, "alerts"))


def test_no_topics_no_memory_of_them():
    scene = Scene(lambda asked: (coap.CHANGED, GRANTED)).start()
    equal(scene.client.sources[procedures.place("topics")], None)
    equal(scene.client.endpoint.observations, ())
