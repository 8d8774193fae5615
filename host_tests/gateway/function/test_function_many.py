# SPDX-License-Identifier: MIT
"""200 devices behind one Gateway UE, over CoAP that loses five of a hundred datagrams, in virtual time: configured,
registered and de-registered in bulk, and the gateway killed in the middle of each. The requests that the server gets
are counted: that is what bulk is for.
"""

import math

import pytest

from host_tests.gateway.function.many_world import World

DEVICES, LOSS = 200, 5
LISTS = math.ceil(DEVICES / 16)  # --bulk-max
MORE = 6  # lists that are not full: the last one, and those that a killed gateway asks for again
FEW = 3  # the same, where all ask within seconds
HURRIED = 4  # of whom so much was lost that they do not wait for the gateway any more
DAY = 86400


def held(world, kind):
    return sum(1 for event, fields in world.told if event == "held" and fields["kind"] == kind)


def phase(world, *kinds):
    """Until all is done, with the gateway killed when it has held half of them, of each kind."""
    world.forget()
    for kind in kinds:
        world.loop.run(DAY, until=lambda kind=kind: held(world, kind) >= DEVICES // 2)
        assert held(world, kind) == DEVICES // 2
        world.kill()
        world.loop.run(4)
        world.begin()
    world.loop.run(900)
    return {
        "states": world.states(),
        "upstream": dict(world.upstream),
        "registered": len(world.registered()),
        "waiting": world.waiting(),
        "wrong": [event for event, _ in world.told if event in ("error", "quarantined")],
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What there was after each phase."""
    settings = {"max_datagram": 8192, "bulk_configuration": "all"}
    world = World(tmp_path_factory.mktemp("gateway"), DEVICES, LOSS, **settings)
    for number, device in enumerate(world.devices):
        world.loop.later(number * 0.05, device.start)
    found = {"first": phase(world, "UE configuration", "REG")}
    found["next day"] = phase(world, "UE configuration")
    for number, device in enumerate(world.devices):
        world.loop.later(number * 0.05, device.stop)
    found["end"] = phase(world, "DEREG")
    world.store.close()
    return found


def test_out_of_the_box_all_are_configured_and_registered_in_bulk(story):
    found = story["first"]
    assert (found["states"], found["registered"], found["waiting"]) == ({"registered": DEVICES}, DEVICES, 0)
    assert found["upstream"]["configurations"] <= LISTS + FEW
    assert found["upstream"].get("configuration", 0) <= HURRIED
    assert found["upstream"]["BREG"] <= LISTS + MORE
    assert found["upstream"].get("REG", 0) <= HURRIED


def test_when_their_configurations_are_old_all_are_asked_for_in_bulk(story):
    found = story["next day"]
    assert (found["states"], found["registered"], found["waiting"]) == ({"registered": DEVICES}, DEVICES, 0)
    assert found["upstream"]["configurations"] <= LISTS + MORE
    assert found["upstream"].get("configuration", 0) <= HURRIED
    # Renewals come one by one, all over two hours: what comes within a minute goes together.
    assert found["upstream"]["BREG"] <= DEVICES * 2 // 3


def test_all_are_de_registered_in_bulk(story):
    found = story["end"]
    assert (found["states"], found["registered"], found["waiting"]) == ({"stopped": DEVICES}, 0, 0)
    assert found["upstream"]["DEREG list"] <= LISTS + MORE
    assert found["upstream"].get("DEREG", 0) == 0


def test_nothing_raised_meanwhile(story):
    assert [found["wrong"] for found in story.values()] == [[], [], []]


def test_lists_are_as_long_as_a_datagram_has_room_for(tmp_path):
    devices = 48
    world = World(tmp_path, devices, 0)
    for device in world.devices:
        device.start()
    world.loop.run(300)
    assert world.states() == {"registered": devices}
    assert world.upstream["BREG"] <= devices // 16 * math.ceil(16 / 5)  # of some 200 octets each
    # Nobody is registered to the gateway service yet who is not configured: where only those wait, these go singly.
    assert world.upstream["configuration"] == devices
    assert "configurations" not in world.upstream
    world.store.close()
