# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.3.6, the JSON of segment recovery and confirmation, at the MSGin5G Server: each member that it
sends and reads. The UEs are aiocoap."""

import pytest

from host_tests.conformance.server.registering import GW, SERVICE, A, msg, own, scene
from tools.programs.patience import run

MODULES = ("tools/wire/bodies.py", "tools/wire/segments.py", "tools/server/procedures/segments.py")
ALSO = ("host_tests/gateway/wire/test_server_segments.py", "host_tests/properties/test_same_reading.py")

CONFIRMED = {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": "set-1", "result": True}
ASKED = {"msgIden": SERVICE, "msgType": "SEGREC", "segId": "set-1", "segNoList": "(1-1)"}


def segment(number, total=3):
    params = {"segId": "set-1", "segNumb": number, "totalSegCount": total}
    return msg(GW, A, isSegmented=True, segParams=params, payload="%d" % number)


def test_7_3_6_1_what_it_confirms_has_the_four_members_and_nothing_else(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, _):
            for number in (1, 2, 3):
                assert await gateway.code_of(segment(number)) == "2.04"
            assert await gateway.next() == CONFIRMED

    run(talk())


def test_7_3_6_2_what_it_asks_for_has_the_four_members_and_nothing_else(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", segment_gap=0.2) as (_, gateway, _):
            for number in (1, 3):
                assert await gateway.code_of(segment(number)) == "2.04"
            assert await gateway.next() == ASKED | {"segNoList": "(2-2)"}

    run(talk())


async def held(display, gateway):
    """The segId of a message that the server sends to `display` in three segments."""
    await display.ask(own("REG", A, cliProfile={"maxSegSize": 100}))
    assert await gateway.code_of(msg(GW, A, payload="x" * 250)) == "2.04"
    return [(await display.next())["segParams"]["segId"] for _ in range(3)][0]


def test_7_3_6_all_four_are_required_of_either(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            set_id = await held(display, gateway)
            for said in (CONFIRMED, ASKED):
                for name in said:
                    answer = await display.ask(
                        {key: said[key] for key in said if key != name}
                        | ({} if name == "segId" else {"segId": set_id})
                    )
                    assert answer.code.dotted == "4.00" and name.encode() in answer.payload
            assert await display.code_of(ASKED | {"segId": set_id}) == "2.04"  # nothing has ended it

    run(talk())


@pytest.mark.parametrize("listed", ["(3-3, 1-2)", "(1-3)", "(1-2),(3-3)", " (1-1,2-3) "])
def test_7_3_6_2_ranges_are_read_as_they_are_printed(tmp_path, listed):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            set_id = await held(display, gateway)
            assert await display.code_of(ASKED | {"segId": set_id, "segNoList": listed}) == "2.04"
            assert sorted([(await display.next())["segParams"]["segNumb"] for _ in range(3)]) == [1, 2, 3]

    run(talk())


def test_7_3_6_what_is_no_list_of_ranges_and_no_boolean_is_refused(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            set_id = await held(display, gateway)
            for listed in ("", "(2-1)", "(0-1)", "(a-b)", 1, None, ["(1-1)"]):
                assert await display.code_of(ASKED | {"segId": set_id, "segNoList": listed}) == "4.00", listed
            for result in (1, 0, "yes", None, [True]):
                assert await display.code_of(CONFIRMED | {"segId": set_id, "result": result}) == "4.00", (
                    result
                )

    run(talk())
