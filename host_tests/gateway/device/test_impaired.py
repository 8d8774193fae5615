# SPDX-License-Identifier: MIT
"""A device and the gateway over bad networks: each message arrives once, in order, and ends in one state.

The networks are those of tools/impair.py from a fixed seed, with all times shortened, CoAP's time-outs and the
gateway's alike. Nothing is asserted about time.
"""

import asyncio
from typing import NamedTuple

import pytest

from host_tests.gateway.devices import AS, UE, Traffic, gateway_and_server, run
from tools.impair import Impairment

pytestmark = pytest.mark.slow


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


async def play(case, folder):
    """The Traffic over this network, and the network."""
    ack_timeout = 2 * case.scale
    arguments = ("--coap-ack-timeout", str(ack_timeout), "--retry-min", str(5 * case.scale))
    async with gateway_and_server(folder, *arguments) as (gateway, server):
        async with Impairment(gateway.coap, case.profile, case.seed, case.scale) as network:
            coap = {"ack_timeout": ack_timeout}
            # A report that got no answer waits 5 s on the device, a time that nothing shortens; meanwhile so many
            # others come that an inbox of 16 would at times be full of such, and refuse the next message for later.
            inbox = {"messages": case.messages}
            traffic = Traffic(folder, gateway, server, network.port, case.messages, coap=coap, inbox=inbox)
            await traffic.play()
    return traffic, network


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """All networks at once: what takes time is waiting."""

    async def main():
        folder = tmp_path_factory.mktemp("impaired")
        return await asyncio.gather(*(play(case, folder / str(n)) for n, case in enumerate(CASES)))

    return dict(zip(CASES, run(main(), 600), strict=True))


@pytest.fixture(params=CASES, ids=lambda case: f"{case.profile}-{case.seed}")
def case(request):
    return request.param


def test_each_message_arrives_once_and_in_order(case, played):
    traffic, _ = played[case]
    traffic.check()


def test_the_gateway_counts_the_same(case, played):
    traffic, _ = played[case]
    count, messages = traffic.gateway.count, case.messages
    assert count("accepted", kind="MSG", to=AS) == count("delivered", kind="MSG", to=AS) == messages
    assert count("accepted", kind="MSG", to=UE) == count("delivered", kind="MSG", to=UE) == messages
    assert count("reported", to=AS, status="success") == messages
    # The device ends once it has all reports; the answer to the last one may be lost, and nobody is there to repeat it.
    assert messages - count("reported", to=UE, status="success") in (0, 1)
    assert count("refused") == count("expired") == 0
    for name in ("refused", "malformed", "given_up", "reports_refused", "coap_dropped", "link_dropped"):
        assert traffic.stats[name] == 0, name
    assert traffic.server.repeated == 0  # that side of the gateway loses nothing


def test_the_network_was_as_bad_as_it_says(case, played):
    """Without this the others would pass on a network that loses nothing."""
    traffic, network = played[case]
    profile = network.profile
    for counts in (network.to_gateway, network.to_device):
        datagrams = counts["forwarded"] + counts["lost"]
        # A message or its answer at least. The reports that wait for those go out as one (clause 6.4.1.1.5), so that
        # there may be fewer of them.
        assert datagrams > 2 * case.messages
        assert counts["lost"] / datagrams == pytest.approx(profile.loss / 100, rel=0.25, abs=0.01)
        assert counts["duplicated"] / datagrams == pytest.approx(profile.duplicate / 100, rel=0.25)
        assert counts["reordered"] / datagrams == pytest.approx(profile.reorder / 100, rel=0.25)
    stats = traffic.stats
    assert (
        stats["coap_retransmitted"] > 2 * case.messages * profile.loss / 100
    )  # a lost request or answer each
    assert stats["coap_duplicates"] > 0
