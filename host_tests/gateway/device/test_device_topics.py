# SPDX-License-Identifier: MIT
"""Messaging topics (TS 24.538 clause 6.6) between devices and the gateway, each a process of its own."""

import contextlib
import json
import signal

import pytest

from host_tests.gateway.devices import APPS, COMBINED, LOWER, config, gateway_of, run
from tools.demo.processes import Device
from tools.line.cable import Cable

A, B, C = "ue:a@example.org", "ue:b@example.org", "ue:c@example.org"
QUICK = {"coap": {"ack_timeout": 0.1}}
QUICK_GATEWAY = ("--coap-ack-timeout", "0.1", "--retry-min", "0.1", "--retry-max", "0.5")
ALERTS = {"subscribe": ["alerts"]}


class Stage:
    """A gateway and devices that do what they are told."""

    def __init__(self, folder, security, stack, *arguments, programs=COMBINED):
        (folder / "gateway").mkdir()
        open_ = () if security == "oscore" else ("--open",)
        arguments += (*open_, *QUICK_GATEWAY)
        self.gateway = gateway_of(programs, folder / "gateway", *arguments, security=security)
        # What a device of a server apart gets comes from the gateway between, which nobody observes anything at.
        self.notified = "2.05 notified" if programs == COMBINED else "2.04"
        self._folder = folder
        self._security = security
        self._stack = stack

    async def device(self, ue, todo, **more):
        """A device that runs, once it has done `todo`. `more` goes to its configuration."""
        made = Device(self._folder / ue.partition("@")[0][3:], APPS / "topics.py")
        keys = {"mode": "none"}
        if self._security == "oscore":
            keys = await self.gateway.keys(ue)
            keys = keys.get("security", keys)
        configuration = config(self.gateway.coap[1], ue_service_id=ue, security=keys, **QUICK)
        made.configure({**configuration, **more})
        made.put("topics.json", json.dumps(todo))
        await self._stack.enter_async_context(made)
        await made.tells("ready")
        return made

    async def publish(self, text, topic="alerts"):
        """C is switched on, sends to a topic, and goes; gives what became of its message."""
        sender = await self.device(C, {"send": {topic: text}})
        told = await sender.tells("sent")
        await sender.end(signal.SIGTERM)
        return told["state"], told["cause"]

    async def delivered(self, ue, count):
        """What this UE answered to the first so many messages that it got: 2.05 stands for a notification."""
        events = self.gateway.events

        def answers():
            told = [each for each in events.items if each["event"] == "delivered" and each["to"] == ue]
            return [each["answer"] for each in told]

        await events.until(lambda _: len(answers()) >= count, f"{count} messages delivered to {ue}")
        return answers()


async def hears(device, text):
    """Waits until the device has taken it."""
    await device.told.until(
        lambda told: told["step"] == "took" and told["payload"] == text, f"the device to take {text!r}"
    )


def took(device):
    file = device.folder / "took.txt"
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture(params=["none", "oscore"])
def security(request):
    return request.param


@pytest.fixture(params=[COMBINED, LOWER])
def play(request, security, tmp_path):
    def on_stage(scene):
        async def whole():
            async with contextlib.AsyncExitStack() as stack:
                stage = Stage(tmp_path, security, stack, programs=request.param)
                await stack.enter_async_context(stage.gateway)
                await scene(stage)

        run(whole(), 120)

    return on_stage


def test_each_subscriber_gets_it_once_and_nobody_else(play):
    async def scene(stage):
        a = await stage.device(A, ALERTS)
        b = await stage.device(B, {"subscribe": ["alerts", "weather"]})
        for number in range(3):
            assert await stage.publish("fire %d" % number) == ("accepted", None)
        assert await stage.publish("rain", "weather") == ("accepted", None)
        await hears(b, "rain")
        await hears(a, "fire 2")
        fires = ["TOPIC alerts fire %d" % number for number in range(3)]
        assert took(a) == fires
        assert took(b) == fires + ["TOPIC weather rain"]
        assert a.told.items[-1]["sender"] == C
        assert await stage.delivered(A, 3) == 3 * [stage.notified]
        assert await stage.delivered(B, 4) == 4 * [stage.notified]

    play(scene)


def test_unsubscribed_gets_nothing(play):
    async def scene(stage):
        a = await stage.device(A, ALERTS)
        b = await stage.device(B, {"subscribe": ["alerts"], "unsubscribe": ["alerts"]})
        assert await stage.publish("fire") == ("accepted", None)
        await hears(a, "fire")
        assert took(b) == []
        assert stage.gateway.count("delivered", to=B) == 0

    play(scene)


def test_the_gateway_is_killed(play):
    # it knows the subscription and has no observation any more: it posts
    async def scene(stage):
        a = await stage.device(A, ALERTS)
        await stage.publish("before")
        await hears(a, "before")
        await stage.delivered(A, 1)
        await stage.gateway.end(signal.SIGKILL)
        await stage.gateway.start()
        assert await stage.publish("after") == ("accepted", None)
        await hears(a, "after")
        assert took(a) == ["TOPIC alerts before", "TOPIC alerts after"]
        assert await stage.delivered(A, 2) == [stage.notified, "2.04"]

    play(scene)


def test_a_device_is_killed(play):
    # its application does not subscribe again: the device does
    async def scene(stage):
        a = await stage.device(A, ALERTS)
        await a.end(signal.SIGKILL)
        a.put("topics.json", "{}")
        seen = len(stage.gateway.events.items)
        await a.start()
        await stage.gateway.event("subscribed", ue=A, topic="alerts", start=seen)
        assert await stage.publish("fire") == ("accepted", None)
        await hears(a, "fire")
        assert took(a) == ["TOPIC alerts fire"]
        assert await stage.delivered(A, 1) == [stage.notified]

    play(scene)


def test_a_message_to_a_topic_of_nobody_fails(tmp_path):
    async def whole():
        async with contextlib.AsyncExitStack() as stack:
            stage = Stage(tmp_path, "none", stack)
            await stack.enter_async_context(stage.gateway)
            sender = await stage.device(C, {"subscribe": ["alerts"], "send": {"alerts": "fire"}})
            # MSGRESP after the 2.04, which was the end for the device: no report was asked for
            await sender.tells("sent")
            await stage.gateway.event("failed", to="alerts", cause="nobody else is subscribed to this topic")
            assert took(sender) == []

    run(whole())


def test_a_gateway_that_is_away_is_told(tmp_path):
    async def whole():
        async with contextlib.AsyncExitStack() as stack:
            stage = Stage(tmp_path, "none", stack)
            stage.gateway.coap = ("127.0.0.1", 9)
            device = await stage.device(A, {"subscribe": ["alerts"], "timeout": 1})
            told = await device.tells("error")
            assert told["why"].startswith("alerts: still subscribing after 1 s, "), told
            assert told["why"].endswith("; the device goes on trying"), told

    run(whole())


def test_over_a_serial_line(tmp_path):
    # started again at the same line: what the gateway has of its observation before is of no harm
    async def whole():
        async with contextlib.AsyncExitStack() as stack:
            cable = await stack.enter_async_context(Cable())
            stage = Stage(tmp_path, "none", stack, "--serial", cable.ends[1])
            await stack.enter_async_context(stage.gateway)
            line = {"peer": "coap+uart://" + cable.ends[0]}
            device = await stage.device(A, ALERTS, **line)
            await stage.publish("first")
            await hears(device, "first")
            assert await stage.delivered(A, 1) == ["2.05 notified"]
            await device.end(signal.SIGKILL)
            device.put("topics.json", "{}")
            seen = len(device.told.items)
            await device.start()
            await device.tells("ready", start=seen)
            await stage.publish("second")
            await hears(device, "second")
            assert took(device) == ["TOPIC alerts first", "TOPIC alerts second"]

    run(whole())
