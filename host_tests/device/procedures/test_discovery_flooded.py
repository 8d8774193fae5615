# SPDX-License-Identifier: MIT
"""Many answers to a device that looks for its gateway, most of them forged."""

from common import Random, equal
from discovery_scene import ONE, Place, answer_to, link
from msgin5g import MemoryStorage
from msgin5g_scene import HOUR, MINUTE, SECOND, agree


def forged(number, port=65401):
    return ("198.51.%d.%d" % (number // 250, number % 250 + 1), port)


def flood(many, place_of_the_true, each=forged):
    """Answers of so many others, and of the true one at this place."""

    def answers(ask):
        for number in range(many + 1):
            if number == place_of_the_true:
                yield answer_to(ask, link()), ONE
            yield answer_to(ask, link()), each(number)

    return answers


def found(place):
    return [each.address for each in place.client.procedure("discovery")._found]


def found_among(many, seed, place_of_the_true, each=forged):
    """Whether the true one is in the list of a device that hears them all."""
    place = Place(answers=flood(many, place_of_the_true, each), alive={}, seed=seed)
    place.start().run(2 * SECOND)
    equal(len(found(place)), 8)
    return ONE in found(place)


def test_hundreds_of_answers_leave_each_its_chance():
    # 8 of 61 are kept, whenever they came: about 13 % each, 4 of 30
    for place_of_the_true in (0, 60):
        times = sum([found_among(60, seed, place_of_the_true) for seed in range(30)])
        assert 1 <= times <= 9, (place_of_the_true, times)


def port_of_one(number):
    return forged(1, number + 1)


def test_one_host_has_no_more_places_than_another():
    for place_of_the_true in (0, 50, 100):
        for seed in range(3):
            assert found_among(100, seed, place_of_the_true, port_of_one), (place_of_the_true, seed)


def test_gateways_on_one_host_are_several():
    other = (ONE[0], 65402)
    place = Place({ONE: link(), other: link()}, {other: agree}).start()
    place.run(2 * MINUTE)
    equal((place.who(), place.state[0]), ([ONE, other], "registered"))


def test_the_true_one_is_found_in_the_end():
    # who forges has a hundred addresses, in each round; of those tried in vain none keeps a new one out
    place = Place(answers=flood(100, 100), alive={ONE: agree}).start()
    for _ in range(40):
        place.run(HOUR)
        if place.client.registered:
            break
    equal(place.client.peer, ONE)


def test_the_last_one_is_not_pushed_out():
    storage = MemoryStorage()
    Place({ONE: link()}, storage=storage).start().run(4 * SECOND)
    place = Place(answers=flood(200, 0), alive={}, storage=storage).start()
    place.run(94 * SECOND)
    equal(
        (place.times, place.who()[0], ONE in found(place)), (1, ONE, True)
    )  # tried, silent, and heard again


def test_noise_is_survived():
    random = Random(7)

    def answers(ask):
        for number in range(60):
            octets = bytearray(answer_to(ask, link()))
            for _ in range(1 + random.below(5)):
                octets[random.below(len(octets))] = random.below(256)
            yield bytes(octets[: len(octets) - random.below(20)]), forged(number)
        yield answer_to(ask, link()), ONE

    place = Place(answers=answers, alive={ONE: agree})
    place.start().run(3 * HOUR)
    equal(place.client.endpoint.stats["failed"], 0)
