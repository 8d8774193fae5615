# SPDX-License-Identifier: MIT
"""A device and the gateway over bad networks: each message arrives once, in order, and ends in one state.

The networks are those of tools/impair.py from a fixed seed, with all times shortened, CoAP's time-outs and the
gateway's alike. Nothing is asserted about time.
"""

import asyncio
import json
from collections import Counter
from typing import NamedTuple

import pytest

from host_tests.gateway.devices import AS, UE, device, gateway_and_server, run
from tools.impair import Impairment

pytestmark = pytest.mark.slow

AT_ONCE = 8


class Case(NamedTuple):
    profile: str
    seed: int
    scale: float  # of all times
    messages: int  # each way


# Exchanges last longest where losses come in bursts, so two devices share the 500 messages there.
CASES = [
    Case("lossy-20", 1, 0.01, 500),
    Case("dup-reorder", 1, 0.01, 500),
    Case("burst-30", 1, 0.005, 250),
    Case("burst-30", 2, 0.005, 250),
]


class Run:
    """All that was seen of one network, on all sides."""

    def __init__(self, case):
        self.case = case
        self.exit_code = None
        self.sent = []  # message IDs of the server's messages

    async def play(self, folder):
        profile, seed, scale, messages = self.case
        ack_timeout = 2 * scale
        arguments = ("--coap-ack-timeout", str(ack_timeout), "--retry-min", str(5 * scale))
        async with gateway_and_server(folder, *arguments) as (self.gateway, self.server):
            async with Impairment(self.gateway.coap, profile, seed, scale) as self.proxy:
                self.device = device(folder, "traffic.py", self.proxy.port, coap={"ack_timeout": ack_timeout})
                plan = {"messages": messages, "at_once": AT_ONCE}
                self.device.folder.joinpath("traffic.json").write_text(json.dumps(plan))
                async with self.device:
                    await self.gateway.event("registered", ue=UE, seconds=60)
                    async with asyncio.TaskGroup() as both:  # a device that dies ends the test at once
                        both.create_task(self._send())
                        done = both.create_task(self.device.tells("done", seconds=None))
                    self.done = done.result()
                    self.exit_code = await self.device.wait()
        return self

    async def _send(self):
        """The server's messages, a few at a time: the next when a report came."""
        for number in range(self.case.messages):
            await self.server.reports.reach(number - AT_ONCE + 1, "reports at the server", seconds=None)
            self.sent.append(await self.server.send(UE, f"down {number}"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """All networks at once: what takes time is waiting."""

    async def play():
        played = [Run(case) for case in CASES]
        folder = tmp_path_factory.mktemp("impaired")
        await asyncio.gather(*(one.play(folder / str(place)) for place, one in enumerate(played)))
        return {one.case: one for one in played}

    return run(play(), 600)


@pytest.fixture(params=CASES, ids=lambda case: f"{case.profile}-{case.seed}")
def seen(request, runs):
    return runs[request.param]


def test_each_message_to_the_server_arrives_once_and_in_order(seen):
    assert [body["payload"] for body in seen.server.messages.items] == [
        f"up {n}" for n in range(seen.case.messages)
    ]


def test_each_message_to_the_device_arrives_once_and_in_order(seen):
    took = [told["payload"] for told in seen.device.told.items if told["step"] == "took"]
    assert took == [f"down {n}" for n in range(seen.case.messages)]


def test_each_message_of_the_device_ends_once_as_delivered(seen):
    ended = [told for told in seen.device.told.items if told["step"] == "ended"]
    assert Counter(told["number"] for told in ended) == Counter(range(seen.case.messages))
    assert {(told["state"], told["cause"]) for told in ended} == {("delivered", None)}
    stats = seen.done["stats"]
    assert {name: stats[name] for name in ("delivered", "failed", "expired")} == {
        "delivered": seen.case.messages,
        "failed": 0,
        "expired": 0,
    }


def test_each_message_of_the_server_gets_one_report(seen):
    reports = seen.server.reports.items
    assert Counter(report["msgId"] for report in reports) == Counter(seen.sent)
    assert {report["delivSt"] for report in reports} == {"REPT_DELY_SUCCESS"}
    assert {report["oriAddr"]["addr"] for report in reports} == {UE}


def test_device_and_gateway_count_the_same(seen):
    stats, count, messages = seen.done["stats"], seen.gateway.count, seen.case.messages
    assert stats["received"] == stats["reported"] == messages
    assert count("accepted", kind="MSG", to=AS) == count("delivered", kind="MSG", to=AS) == messages
    assert count("accepted", kind="MSG", to=UE) == count("delivered", kind="MSG", to=UE) == messages
    assert (
        count("reported", to=AS, status="success") == count("reported", to=UE, status="success") == messages
    )
    for event in ("failed", "discarded", "stored", "expired", "refused"):
        assert count(event) == 0
    for name in ("malformed", "given_up", "refused", "reports_refused", "coap_dropped"):
        assert stats[name] == 0
    assert seen.exit_code == 0
    assert count("deregistered", ue=UE) <= 1  # it is tried for a while; the network may be too bad


def test_the_network_was_as_bad_as_it_says(seen):
    """Without this the others would pass on a network that loses nothing."""
    profile = seen.proxy.profile
    for counts in (seen.proxy.to_gateway, seen.proxy.to_device):
        datagrams = counts["forwarded"] + counts["lost"]
        assert datagrams > 2 * seen.case.messages  # requests one way, answers to the other's: both are there
        assert counts["lost"] / datagrams == pytest.approx(profile.loss / 100, rel=0.25, abs=0.01)
        assert counts["duplicated"] / datagrams == pytest.approx(profile.duplicate / 100, rel=0.25)
        assert counts["reordered"] / datagrams == pytest.approx(profile.reorder / 100, rel=0.25)
    if profile.loss > 2:
        assert seen.done["stats"]["coap_retransmitted"] > seen.case.messages * profile.loss / 100
    assert seen.done["stats"]["coap_duplicates"] > 0
