# SPDX-License-Identifier: MIT
"""Communication Availability (TS 24.538 clause 6.3.1.1.1 ii, TS 23.554 table 8.2.1-3): a device that sleeps says when
it listens, and listens then."""

import coap
from coap.compat import ticks_diff
from common import equal
from discovery_scene import ONE, Place, link
from msgin5g_scene import GRANTED, HOUR, MINUTE, SECOND, Scene, agree, msg

NIGHT = {"interval": 600, "duration": 20}
WITHOUT_A_CLOCK = "1970-01-01T00:00:00Z"


def sleeper(answer=agree, availability=NIGHT, **more):
    return Scene(answer, availability=availability, registration={"lifetime": 86400}, **more)


def for_a_day(asked):
    """What the server says: registered for a day."""
    return (coap.CHANGED, GRANTED.replace(b"3600", b"86400")) if asked.kind == "REG" else agree(asked)


def said(scene):
    return scene.of("REG")[-1].body["cliProfile"].get("comAvail")


def listens(scene):
    return scene.client.procedure("availability").listens


def wake(scene):
    """Seconds until the device is needed: 0 while it listens."""
    if listens(scene):
        return 0
    return ticks_diff(scene.client.next_deadline(), scene.tick) / 1000


def test_the_registration_says_when_it_listens():
    scene = sleeper().start()
    plain = {"schTime": WITHOUT_A_CLOCK, "durTime": 20, "periIndi": True, "periInterval": 600}
    equal(said(scene), plain)


def test_the_schedule_begins_by_the_clock_where_it_is_set():
    equal(said(sleeper(clock=lambda: 1793970000).start())["schTime"], "2026-11-06T13:00:00Z")
    equal(said(sleeper(clock=lambda: None).start())["schTime"], WITHOUT_A_CLOCK)


def test_what_is_said_of_the_size_and_of_store_and_forward():
    more = said(sleeper(availability=dict(NIGHT, data_size="300", store_forward=False)).start())
    equal((more["dataSize"], more["storeForward"]), ("300", "true"))
    plain = said(sleeper(availability=dict(NIGHT, store_forward=True)).start())
    assert "storeForward" not in plain and "dataSize" not in plain


def test_a_device_without_it_says_nothing_and_loads_nothing():
    scene = Scene().start()
    assert said(scene) is None
    names = [source.__class__.__name__ for source in scene.client.sources if source is not None]
    assert "Availability" not in names, names


def test_it_listens_after_the_registration_and_in_each_window():
    scene = sleeper(for_a_day).start()
    equal(wake(scene), 0)
    scene.run(19999)
    equal(wake(scene), 0)
    scene.run(1)
    equal(wake(scene), 580)
    for _ in range(3):
        scene.run(580 * SECOND)
        equal(wake(scene), 0)
        scene.run(20 * SECOND)
        equal(wake(scene), 580)
    equal(len(scene.asked), 1)  # a window costs nothing on the air


def test_the_refresh_wakes_it_where_that_comes_first():
    scene = sleeper(availability={"interval": 40000, "duration": 20}).start()  # granted for an hour
    scene.run(20 * SECOND)
    assert 0.75 * 3600 - 20 <= wake(scene) <= 0.85 * 3600 - 20, wake(scene)


def test_a_refresh_sets_the_windows_anew():
    scene = sleeper().start()
    while len(scene.of("REG")) < 2:
        scene.run(SECOND)
    scene.run(21 * SECOND)
    at = scene.of("REG")[1].tick
    assert abs(scene.now + wake(scene) * 1000 - at - 600 * SECOND) <= 2, wake(scene)


def test_each_request_of_the_device_opens_a_window():
    scene = sleeper(for_a_day).start()
    scene.run(100 * SECOND)
    scene.send()
    equal(wake(scene), 0)
    scene.run(20 * SECOND)
    equal(wake(scene), 480)
    scene.run(475 * SECOND)  # 5 s before a window
    scene.send()
    scene.run(15 * SECOND)
    equal(wake(scene), 0)
    scene.run(10 * SECOND)  # the end of the later one of both
    equal(wake(scene), 580)


def test_what_comes_in_opens_none():
    """The server knows by the requests of the device alone that it listens."""
    scene = sleeper(for_a_day, reports="arrival").start()
    scene.run(15 * SECOND)
    scene.post(msg())
    scene.run(5 * SECOND)
    equal(wake(scene), 580)


def test_a_message_waits_for_no_window():
    scene = sleeper(for_a_day).start()
    scene.run(100 * SECOND)
    equal(scene.send().state, "accepted")


def test_an_answer_that_came_late_leaves_no_gap():
    """The server counts from the request it got, the device knows no more than when it asked, and was answered."""
    heard = []

    def answer(asked):
        heard.append(asked)
        return for_a_day(asked) if len(heard) > 1 else None

    scene = sleeper(answer).start()
    scene.run(4 * SECOND)  # the second transmission is answered
    assert scene.client.registered
    equal(len(heard), 2)
    scene.run(596 * SECOND)
    equal(wake(scene), 0)  # 600 s after it was sent first, and 2 to 3 s before it was answered
    scene.run(21 * SECOND)
    equal(wake(scene), 0)
    scene.run(3 * SECOND)
    assert wake(scene) > 570, wake(scene)


def test_an_answer_that_was_lost_several_times_leaves_none_either():
    heard = []

    def answer(asked):
        heard.append(asked)
        return for_a_day(asked) if len(heard) > 3 else None

    scene = sleeper(answer, {"interval": 600, "duration": 5}).start()
    begun = scene.now
    while not scene.client.registered:
        scene.run(SECOND)
    late = scene.now - begun
    assert late >= 14 * SECOND, late
    for number in range(1, 4):
        scene.run(begun + number * 600 * SECOND - scene.now)
        assert listens(scene), number
        scene.run(5 * SECOND - 1)
        assert listens(scene), number
        scene.run(late + SECOND)
        assert not listens(scene), number


def test_windows_that_were_slept_over_are_gone():
    """A sleep that was too long: an application of its own pace."""
    scene = sleeper(for_a_day).start()
    scene.run(20 * SECOND)
    scene.now += 2 * HOUR + 5 * MINUTE - 20 * SECOND
    scene.client.poll(scene.tick)
    equal(wake(scene), 300)
    scene.now += 7 * HOUR + 5 * MINUTE + 5 * SECOND  # within a window
    scene.client.poll(scene.tick)
    equal(wake(scene), 0)
    scene.run(15 * SECOND)
    equal(wake(scene), 580)


def test_windows_go_on_where_memory_ended_at_the_beginning_of_one():
    from msgin5g.procedures import availability

    real = availability.Countdown
    for nth in range(1, 7):  # two of the registration, two of each window
        left = [nth]

        def starved(ms, now, left=left):
            left[0] -= 1
            if not left[0]:
                raise MemoryError
            return real(ms, now)

        availability.Countdown = starved
        try:
            scene = sleeper(for_a_day).start()
            for _ in range(3):
                assert listens(scene), nth
                scene.run(20 * SECOND)
                assert not listens(scene), nth
                scene.run(580 * SECOND)
        finally:
            availability.Countdown = real
        equal((left[0] <= 0, scene.client.stats["starved"]), (True, 1))


def test_without_a_registration_there_is_no_window():
    scene = sleeper(lambda asked: (coap.CHANGED, b'{"result":false,"cause":"no"}')).start()
    assert not listens(scene)
    scene = sleeper(for_a_day).start()
    scene.stop()
    assert not listens(scene)
    equal(scene.client.next_deadline(), None)


def test_a_server_that_forgot_the_device_gets_the_schedule_again():
    scene = sleeper(for_a_day).start()
    scene.run(100 * SECOND)
    scene.answer = lambda asked: for_a_day(asked) if asked.kind == "REG" else coap.UNAUTHORIZED
    scene.send()
    scene.answer = for_a_day
    equal(said(scene)["periInterval"], 600)
    equal(len(scene.of("REG")), 2)


def test_windows_go_on_for_weeks():
    """Further than the tick can count."""
    granted = (coap.CHANGED, GRANTED.replace(b"3600", b"%d" % (86400 * 20)))
    lifetime = {"lifetime": 86400 * 30}
    every = {"interval": 86400 * 4, "duration": 60}
    scene = Scene(lambda asked: granted, availability=every, registration=lifetime).start()
    scene.run(MINUTE)
    for _ in range(3):  # before the refresh, on the sixteenth day
        scene.run(4 * 24 * HOUR - MINUTE - SECOND)
        assert not listens(scene)
        scene.run(SECOND)
        equal(wake(scene), 0)
        scene.run(MINUTE)
        assert not listens(scene)
    equal(len(scene.asked), 1)


def test_it_listens_while_something_is_on_the_air():
    """Nothing is open: the server has not answered yet."""
    scene = sleeper(lambda asked: None).start()
    scene.run(60 * SECOND)
    assert listens(scene)
    while scene.client.registration.state != "unreachable":
        scene.run(SECOND // 10)
    assert not listens(scene)
    assert 0 < wake(scene) < 3  # until it is tried again


def test_it_sleeps_while_no_gateway_is_there():
    """It listens as long as those that were asked for may answer, and not until it asks again."""
    place = Place(availability=NIGHT).start()
    equal(wake(place), 0)
    place.run(3 * SECOND)
    assert 0 < wake(place) <= 2.5, wake(place)
    awake = 0
    for _ in range(3600):
        awake += listens(place)
        place.run(SECOND)
    assert place.times > 10 and awake <= 4 * place.times, (awake, place.times)
    place.near[ONE] = link()
    place.alive[ONE] = for_a_day
    place.run(10 * MINUTE)
    equal(place.client.registered, True)


def test_a_window_that_a_clock_names_is_heard_as_a_whole():
    """A clock tells whole seconds: the server counts from the second that was named, which had begun before."""
    for late in (0, 1, 999):
        begun = []

        def clock(begun=begun, late=late):
            return (1793970000000 + late + (begun[0].now - begun[1] if begun else 0)) // 1000

        scene = sleeper(for_a_day, clock=clock)
        begun += [scene, scene.now]
        scene.start()
        equal(said(scene)["schTime"], "2026-11-06T13:00:00Z")
        scene.run(600 * SECOND - late)
        for _ in range(3):
            assert listens(scene), late
            scene.run(20 * SECOND - 1)
            assert listens(scene), late
            scene.run(SECOND + 2)
            assert not listens(scene), late
            scene.run(579 * SECOND - 1)


def test_it_listens_for_what_a_gateway_has_put_off():
    """A gateway that bulks registrations answers by itself (clause 6.3.4.2.3)."""

    def answer(asked):
        return (coap.CHANGED, b'{"expectedTime":120}') if asked.kind == "REG" else for_a_day(asked)

    scene = sleeper(answer, gateway_service=True)
    scene.start()
    scene.run(100 * SECOND)
    equal((scene.client.registration.state, listens(scene)), ("waiting", True))
    granted = GRANTED.replace(b"{", b'{"msgIden":"urn:3gpp:msgin5g","msgType":"REGRESP",', 1)
    equal(scene.post(granted).code, coap.CHANGED)
    scene.run(20 * SECOND)
    equal((scene.client.registered, listens(scene)), (True, False))
