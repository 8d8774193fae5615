# SPDX-License-Identifier: MIT
"""Counters that a device tells its gateway: when they go, what gives way to what, and what ends it."""

import json

import coap
from common import equal
from device.counters import begin
from msgin5g_scene import HOUR, MINUTE, SECOND, Scene, agree, msg

BEAT = 30 * SECOND  # from one poll to the next; the tasks of a device poll each 5 s
NIGHT = {"interval": 600, "duration": 20}


class Device:
    """What `begin` takes for a running client."""

    def __init__(self, core, counted):
        self.core = core
        self._counted = counted

    @property
    def stats(self):
        return dict(self._counted)


class Telling(Scene):
    """A device that tells `counted`, to a peer that answers as `taken` says."""

    def __init__(
        self, taken=coap.CHANGED, counted=(("boots", 1), ("reset_cause", "power"), ("failed", 0)), **more
    ):
        self.taken = taken
        self.told = []  # requests to the resource
        self.counted = dict(counted)
        config = {"counters": {"interval": 3600}}
        config.update(more)
        super().__init__(self._said, **config)
        begin(Device(self.client, self.counted))
        begin(Device(self.client, self.counted))  # as the tasks of a device do that begin anew

    def _said(self, asked):
        if (coap.URI_PATH, b"counters") not in asked.message.options:
            return agree(asked)
        self.told.append(asked)
        return self.taken

    def awake(self, ms):
        """Time goes by as it does for a device that is awake."""
        end = self.now + ms
        while self.now < end:
            self.run(min(BEAT, end - self.now))
            self.client.poll(self.tick)
            self._pump()

    def times(self):
        return [(each.tick - self.told[0].tick) // MINUTE for each in self.told]


def own(scene):
    """What the last request said that the test did not: of this module's own."""
    body = scene.told[-1].body
    return {name: body[name] for name in body if name not in scene.counted and name != "heap_free"}


def test_a_post_of_json_to_a_resource_of_its_own():
    scene = Telling().start()
    equal(len(scene.told), 1)  # with the registration
    message = scene.told[0].message
    equal((message.code, message.type), (coap.POST, coap.CON))
    equal(message.options, [(coap.URI_PATH, b"counters"), (coap.CONTENT_FORMAT, b"\x32")])
    body = scene.told[0].body
    equal(body.pop("heap_free", 1) > 0, True)  # of MicroPython
    equal(body, {"boots": 1})  # no text, and no 0


def test_where_messages_may_be_non_confirmable_it_is():
    scene = Telling(coap={"confirmable": "spec"}).start()
    equal(scene.told[0].message.type, coap.NON)


def test_nothing_is_said_of_a_server_behind_the_gateway():
    scene = Telling(server="coap://192.0.2.9:65402").start()
    equal(scene.told[0].message.option(coap.URI_HOST), None)


def test_each_interval_goes_with_the_refresh():
    scene = Telling().start()  # granted for an hour: refreshed after 80 %, give or take 5
    scene.awake(5 * HOUR)
    refreshes = [each.tick for each in scene.of("REG")]
    equal(len(scene.told), len(refreshes))
    equal([each.tick for each in scene.told], refreshes)


def test_a_longer_registration_leaves_the_interval():
    scene = Telling(counters={"interval": 600}).start()
    scene.awake(HOUR // 2)
    equal(scene.times(), [0, 10, 20, 30])


def test_no_clock_of_the_device_runs_for_it():
    plain, scene = Scene().start(), Telling(counters={"interval": 60}).start()
    equal(scene.client.next_deadline(), plain.client.next_deadline())
    scene.run(HOUR // 2)  # as one does that sleeps
    equal(len(scene.told), 1)


def test_a_device_with_windows_tells_in_one_only():
    scene = Telling(counters={"interval": 60}, availability=NIGHT, registration={"lifetime": 86400}).start()
    windows = scene.client.procedure("availability")
    heard = scene._said
    listened = []
    scene.answer = lambda asked: listened.append(windows.listens) or heard(asked)
    scene.awake(HOUR)
    equal(listened, [True] * len(listened))
    # one in each window, whose answer opens one more: 20 s, within a minute of no other
    equal(6 <= len(scene.told) <= 8, True)


def test_a_message_that_waits_goes_first():
    answers = [None]
    scene = Telling().start()
    scene.answer = lambda asked: answers[0] if asked.kind == "MSG" else scene._said(asked)
    scene.told.clear()
    scene.send()
    scene.awake(2 * HOUR + HOUR // 2)
    equal(scene.told, [])
    answers[0] = coap.CHANGED
    scene.awake(HOUR)
    equal(len(scene.client.outbox.queue), 0)
    equal(len(scene.told) > 0, True)
    skipped = own(scene)["counters_skipped"]
    equal(skipped in (1, 2), True)


def test_it_gives_way_to_a_message():
    scene = Telling(taken=None).start()
    equal((len(scene.told), scene.client.on_air), (1, 1))
    outgoing = scene.send()
    equal(outgoing.state, "accepted")  # at once, though there is room for one request
    equal(scene.client.on_air, 0)
    scene.taken = coap.CHANGED
    scene.awake(HOUR)
    equal(own(scene), {"counters_unanswered": 1})


def test_it_gives_way_to_a_report():
    scene = Telling(taken=None, reports="arrival").start()
    scene.post(msg(more='"isDelivStatReq":true,'))
    equal(scene.kinds()[-1], "IMDN")


def test_it_gives_way_to_the_end():
    scene = Telling(taken=None).start()
    scene.stop()
    equal((scene.kinds()[-1], scene.client.registered), ("DEREG", False))


def test_silence_ends_it_after_four_seconds():
    scene = Telling(taken=None, coap={"confirmable": "spec"}).start()
    scene.run(3999)
    equal(scene.client.on_air, 1)
    scene.run(1)
    equal((scene.client.on_air, scene.client.registered), (0, True))
    scene.run(HOUR // 2)
    equal(len(scene.told), 1)


def test_who_is_silent_is_sent_no_more_than_probing_rate():
    """RFC 7252 sections 4.7 and 4.8: an octet a second to who does not answer."""
    counted = [("counter_" + "x" * size, 1 << 40) for size in range(24)]
    for confirmable in ("spec", "all"):
        more = {"counters": {"interval": 60}, "registration": {"lifetime": 86400}}
        scene = Telling(taken=None, counted=counted, coap={"confirmable": confirmable}, **more).start()
        scene.awake(HOUR)
        octets = sum([len(each.datagram) for each in scene.told])  # transmissions
        equal((octets <= 3600, len(scene.told) > 2), (True, True))
        scene.told.clear()
        scene.taken = coap.CHANGED
        scene.awake(HOUR // 2)
        equal(len(scene.told) > 8, True)


def test_who_has_no_such_resource_is_not_asked_again():
    for code in (coap.NOT_FOUND, coap.METHOD_NOT_ALLOWED, coap.BAD_OPTION):
        scene = Telling(taken=code).start()
        scene.awake(3 * HOUR)
        equal((code, len(scene.told)), (code, 1))
        equal((scene.client.registered, len(scene.of("REG")) in (4, 5)), (True, True))  # and it is no loop
        scene.post(msg())  # it lives
        scene.taken = coap.CHANGED
        scene.client.registration.on_unregistered(scene.tick)  # 4.01 to a message
        scene.awake(MINUTE)
        equal((code, len(scene.told)), (code, 2))


def test_who_does_not_know_its_address_is_told_after_the_next_refresh():
    """A router has given the device another port: what is without OSCORE does not say whose it is, but REG does."""
    for interval in (600, 3600):
        scene = Telling(taken=coap.UNAUTHORIZED, counters={"interval": interval}).start()
        scene.awake(3 * HOUR)
        refreshes = [each.tick for each in scene.of("REG")]
        equal([each.tick for each in scene.told], refreshes)
        equal((scene.client.registered, len(refreshes) in (4, 5)), (True, True))  # and it is no loop
        scene.taken = coap.CHANGED
        scene.awake(HOUR)
        count = len(scene.told)
        scene.awake(2 * HOUR)
        equal(len(scene.told) - count >= 2, True)


def test_an_error_that_may_pass_is_tried_with_the_next_interval():
    for code in (coap.SERVICE_UNAVAILABLE, 157):  # 4.29
        scene = Telling(taken=code, counters={"interval": 600}).start()
        scene.awake(HOUR // 3)
        equal((code, scene.times()), (code, [0, 10, 20]))


def test_a_body_has_512_octets_and_40_members_at_most():
    names = ["%s_%s" % (layer, "x" * size) for layer in ("a", "bb", "cccc") for size in range(1, 21)]
    for value in (1, 1 << 40):
        scene = Telling(counted=[(name, value) for name in names]).start()
        octets, body = scene.told[0].octets, scene.told[0].body
        told = [name for name in names if name in body]
        equal((len(octets) <= 512, len(body) <= 40), (True, True))
        equal(body["left_out"], len(names) - len(told) + (0 if "heap_free" in body else 0))
        equal(
            max([len(name) for name in told]) <= min([len(name) for name in names if name not in told]), True
        )
    equal(json.loads(str(octets, "utf-8")), body)


def test_a_small_datagram_holds_it():
    counted = [("counter_" + "x" * size, 1 << 40) for size in range(24)]
    scene = Telling(counted=counted, coap={"max_datagram": 512}).start()
    equal(len(scene.told[0].datagram) <= 512, True)
    equal("left_out" in scene.told[0].body, True)


def test_no_memory_for_it_is_one_that_is_skipped():
    for error in (MemoryError, RuntimeError):  # the second: a stack that is too deep
        scene = Telling(counters={"interval": 600}).start()

        def none(*_, error=error):
            raise error

        source = scene.client.sources[-1]
        source._body, whole = none, source._body
        scene.awake(15 * MINUTE)
        source._body = whole
        equal((len(scene.told), scene.client.stats["starved"]), (1, 0))
        scene.awake(10 * MINUTE)
        equal(own(scene), {"counters_skipped": 1})
