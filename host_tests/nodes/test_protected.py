# SPDX-License-Identifier: MIT
"""Several nodes answer with one key: whatever comes where and when, no nonce goes out with two texts, no number of a
device is taken twice, and a device that comes elsewhere goes on at once."""

import asyncio
import contextlib
import random

import pytest

from host_tests.gateway.devices import run
from host_tests.nodes.three import ask, in_order, message, registration, three
from host_tests.nodes.wire import Device
from tools.gateway import keys as key_files
from tools.store.opening import open_store


def test_it_goes_on_wherever_it_comes(database):
    async def main():
        async with three(database) as (nodes, device):
            assert await ask(device, nodes.ports["a"], registration()) == ("2.04", 0)
            for name in "baccab":
                assert await ask(device, nodes.ports[name], message()) == ("2.04", 0)
            in_order(device)
            assert not device.nonces.own or device.pushed

    run(main())


def test_new_keys_are_its_keys_at_all_nodes_once_it_has_used_them(database):
    async def main():
        async with three(database) as (nodes, device):
            for name in "ab":
                await ask(device, nodes.ports[name], registration())
            section = key_files.new_section({bytes.fromhex(nodes.section["sender_id"])})
            old, new = (key_files.of_section("here", each) for each in (nodes.section, section))
            with contextlib.closing(open_store(database, serving=False)) as store, store.transaction():
                store.begin_rekey(old.digest, new, 0.0)
            renewed = Device(section)
            try:
                await asyncio.sleep(0.2)  # what a command has changed is heard of
                assert await ask(device, nodes.ports["c"], registration()) == (
                    "2.04",
                    0,
                )  # the old ones until then
                assert await ask(renewed, nodes.ports["a"], registration()) == ("2.04", 1)
                await asyncio.sleep(0.2)
                for name in "bca":
                    assert await ask(renewed, nodes.ports[name], message()) == ("2.04", 0)
                    asked = device.make(registration())
                    device.send(nodes.ports[name], asked.octets)
                    assert await device.response(asked) == ("4.01", None, False)
                in_order(device)
                in_order(renewed)
            finally:
                renewed.close()

    run(main())


async def until(true, seconds=10):
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


def test_a_reset_at_another_node_is_passed_on(database):
    async def main():
        async with three(database) as (nodes, device):
            await ask(device, nodes.ports["a"], registration())
            device.answers_to = nodes.ports["b"]
            assert await ask(device, nodes.ports["a"], message()) == ("2.04", 0)
            near, far = nodes["b"].coap.door.strays, nodes["a"].coap.door.strays
            await until(lambda: far.heard)
            assert (near.passed, far.heard) == (1, 1)
            count = len(device.pushed)
            await asyncio.sleep(1)  # more than the 0.3 s of the first retransmission: the exchange is over
            assert len(device.pushed) == count
            assert set(device.pushed) == {nodes.ports["a"]}

    run(main())


def test_it_is_spoken_to_from_where_it_spoke_last(database):
    async def main():
        async with three(database) as (nodes, device):
            await ask(device, nodes.ports["a"], registration())
            for name in "abcb":
                device.pushed.clear()
                assert await ask(device, nodes.ports[name], message()) == ("2.04", 0)
                await until(lambda: device.pushed)
                assert device.pushed[-1] == nodes.ports[name]
            in_order(device)
            assert device.nonces.own == sorted(device.nonces.own)  # else it would take them for replays

    run(main())


@pytest.mark.parametrize("order", ["after", "at once"])
def test_its_request_at_another_node_is_challenged_and_goes_on(database, order):
    """Its retransmission has come elsewhere: it hears by an own nonce that it is to ask once more."""

    async def main():
        async with three(database) as (nodes, device):
            await ask(device, nodes.ports["a"], registration())
            body = message()
            asked = device.make(body)
            device.send(nodes.ports["a"], asked.octets)
            first = await device.response(asked) if order == "after" else None
            device.send(nodes.ports["b"], asked.octets)
            heard = [first or await device.response(asked), await device.response(asked)]
            assert sorted(code for code, _, _ in heard) == ["2.04", "4.01"]
            (echo,) = (echo for code, echo, protected in heard if code == "4.01" and protected)
            once_more = device.make(body, echo)
            device.send(nodes.ports["b"], once_more.octets)
            assert (await device.response(once_more))[0] == "2.04"
            in_order(device)

    run(main())


def test_who_replays_costs_little(database):
    """Recordings at another node, again and again and under other message IDs: one challenge each, then no number of
    ours any more."""

    async def main():
        async with three(database) as (nodes, device):
            for _ in range(3):
                await ask(device, nodes.ports["a"], registration())
            recorded = list(device.asked.values())
            for asked in recorded:
                for turn in range(20):
                    device.send(nodes.ports["b"], device.again(asked, 1000 + turn), by_another=True)
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            heard = [each for asked in recorded for each in asked.heard]
            assert sum(protected for _, _, protected in heard) == len(recorded)
            assert {code for code, _, _ in heard} == {"4.01"}
            assert await ask(device, nodes.ports["b"], registration()) == ("2.04", 0)
            in_order(device)

    run(main())


def test_a_device_whose_storage_was_lost_is_told(database):
    """Its numbers begin anew: what is far behind is refused in the clear, upon which it skips some; what is near is
    challenged once, and then refused."""

    async def main():
        async with three(database) as (nodes, device):
            for _ in range(40):
                await ask(device, nodes.ports["a"], registration())
            for number in (2, 30):
                device.keys.sender_sequence_number = number
                asked = device.make(registration())
                device.send(nodes.ports["a"], asked.octets)
                assert await device.response(asked) == ("4.01", None, False)
            device.keys.sender_sequence_number = 30
            asked = device.make(registration())
            device.send(nodes.ports["b"], asked.octets)
            code, echo, protected = await device.response(asked)
            assert (code, protected) == ("4.01", True)
            asked = device.make(registration(), echo)
            device.send(nodes.ports["b"], asked.octets)
            assert await device.response(asked) == ("4.01", None, False)
            in_order(device)

    run(main())


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_used_twice_whatever_happens(database, seed):
    rng = random.Random(seed)

    async def main():
        async with three(database) as (nodes, device):
            assert (await ask(device, nodes.ports["a"], registration()))[0] == "2.04"
            mids = iter(range(20000, 60000))

            async def step():
                kind = rng.choice(("ask",) * 6 + ("again", "replay", "both", "both", "stop", "burst"))
                ports = list(nodes.ports.values())
                old = list(device.asked.values())[-12:]
                if kind == "ask":
                    code, _ = await ask(device, rng.choice(ports), rng.choice((registration, message))())
                    assert code in ("2.04", "5.03"), code
                elif kind == "again":
                    device.send(rng.choice(ports), rng.choice(old).octets)
                elif kind == "replay":
                    device.send(rng.choice(ports), device.again(rng.choice(old), next(mids)), by_another=True)
                elif kind == "both":
                    asked = device.make(message())
                    for port in ports:
                        device.send(port, asked.octets)
                    await device.response(asked)
                elif kind == "burst":
                    made = [device.make(registration()) for _ in range(5)]
                    rng.shuffle(made)
                    for asked in made:
                        for port in rng.sample(ports, 2 if len(ports) > 1 else 1):
                            device.send(port, asked.octets)
                    await device.response(made[0])
                else:
                    name = rng.choice(list(nodes.programs))
                    at_once = rng.random() < 0.5
                    if at_once:
                        for asked in [device.make(message()) for _ in range(3)]:
                            device.send(nodes.ports[name], asked.octets)
                        await asyncio.sleep(rng.random() * 0.02)
                    await nodes.stop(name, at_once)
                    await nodes.start(name)

            for _ in range(60):
                await step()
                in_order(device)
            await asyncio.sleep(0.3)
            in_order(device)
            assert len(device.nonces.own) > 20

    run(main())
