# SPDX-License-Identifier: MIT
"""A device updates and discards what waits at the server, with a Gateway UE between them or not, each a process."""

import contextlib

import pytest

from host_tests.gateway.devices import APPS, COMBINED, LOWER, config, gateway_of, run
from tools.demo.processes import Device, command

A, B = "ue:a@example.org", "ue:b@example.org"
GATEWAY = ("--open", "--coap-ack-timeout", "0.1", "--retry-min", "0.1", "--retry-max", "0.5")


@pytest.mark.parametrize("programs", [COMBINED, LOWER])
def test_what_waits_is_updated_and_discarded(tmp_path, programs):
    async def play():
        (tmp_path / "gateway").mkdir()
        async with contextlib.AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(gateway_of(programs, tmp_path / "gateway", *GATEWAY))
            port = gateway.coap[1]

            def device(ue, app):
                made = Device(tmp_path / ue[3], APPS / app)
                made.configure(config(port, ue_service_id=ue, coap={"ack_timeout": 0.1}))
                return made

            words = ("gateway", "device", "add", B, "--store", "gateway.db")
            if programs != COMBINED:
                words = ("server", "device", "add", B, "--store", "server.db")
            await command(tmp_path / "gateway", *words)
            sender = await stack.enter_async_context(device(A, "changed.py"))
            assert set((await sender.tells("sent"))["states"]) <= {"accepted", "stored"}
            assert (await sender.tells("updated"))["result"] is True
            told = await sender.tells("discarded")
            assert (told["result"], told["state"], told["cause"]) == (True, "failed", "discarded")
            assert (await sender.tells("again"))["result"] is False
            (event,) = [each for each in gateway.events.items if each["event"] == "updated"]
            assert 590 <= event["seconds"] <= 600
            back = device(B, "topics.py")
            back.put("topics.json", "{}")  # it only takes messages
            await stack.enter_async_context(back)
            assert (await back.tells("took"))["payload"] == "kept"
            told = await sender.tells("delivered")
            assert (told["state"], told["result"]) == ("delivered", False)
            assert "number of seconds" in (await sender.tells("wrong"))["why"]
            assert (await sender.tells("nobody"))["state"] in ("accepted", "failed")
            assert [each["msgId"] for each in gateway.events.items if each["event"] == "discarded"]

    run(play())
