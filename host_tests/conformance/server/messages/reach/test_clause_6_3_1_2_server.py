# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.3.1.2 and 7.3.3.1, Communication Availability and Triggering Information of a profile, at the
MSGin5G Server: each with the words that the schema has, stored with the registration and deleted with it. The
UEs are aiocoap; the server's clock is moved."""

import datetime

import pytest

from host_tests.conformance.server.messages.reach.moved import HOURLY, UE_ID, scene
from host_tests.conformance.server.registering import GW, A, msg, own
from tools.programs.patience import run

MODULES = (
    "tools/server/procedures/registration.py",
    "tools/server/delivery/availability.py",
    "tools/server/delivery/windows.py",
    "tools/server/procedures/reach/triinfo.py",
    "tools/store/server/reachtables.py",
    "tools/store/uetables.py",
)


def at(seconds):
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_6_3_1_2_2_the_profile_is_deleted_with_the_registration(tmp_path):
    async def talk():
        async with scene(tmp_path) as it:
            await it.asleep()
            await it.sleeper.ask(own("DEREG", A))
            await it.registers(it.sleeper, A)
            it.later(61)
            assert await it.sender.code_of(msg(GW, A)) == "2.04"
            assert (await it.sleeper.next())["payload"] == "21.5"

    run(talk())


def test_6_3_1_2_1_a_new_registration_replaces_the_profile(tmp_path):
    async def talk():
        async with scene(tmp_path) as it:
            await it.registers(it.sleeper, A)
            await it.asleep()
            assert await it.sender.code_of(msg(GW, A)) == "2.04"
            await it.nothing_came()

    run(talk())


@pytest.mark.parametrize(
    "duration, interval",
    [
        (60, 3600),
        ("60", "3600"),
        ("PT1M", "PT1H"),
        (lambda: at(60), lambda: at(3600)),
        ("1970-01-01T00:01:00Z", "1970-01-01T01:00:00Z"),
    ],
    ids=["integers", "digits", "durations", "moments", "since 1970"],
)
def test_7_3_3_1_lengths_of_time_in_each_form(tmp_path, duration, interval):
    """The schema has `durTime` and `periInterval` as date-time, though both are lengths: docs/gateway.md."""

    async def talk():
        async with scene(tmp_path) as it:
            said = {
                "schTime": at(0),
                "durTime": duration() if callable(duration) else duration,
                "periIndi": True,
                "periInterval": interval() if callable(interval) else interval,
            }
            await it.asleep(comAvail=said)
            assert await it.sender.code_of(msg(GW, A)) == "2.04"
            await it.nothing_came()
            it.later(3600 - 59)
            assert (await it.sleeper.next())["payload"] == "21.5"

    run(talk())


def test_7_3_3_1_without_the_indicator_there_is_one_window(tmp_path):
    async def talk():
        async with scene(tmp_path) as it:
            await it.asleep(comAvail=HOURLY | {"periIndi": False})
            assert await it.sender.code_of(msg(GW, A)) == "2.04"
            assert (await it.sender.next())["DelSta"] == "failure"
            it.later(3600 - 61)
            await it.nothing_came()

    run(talk())


WRONG = [
    ({"comAvail": []}, b"comAvail: "),
    ({"comAvail": {"durTime": 60}}, b"comAvail.schTime: "),
    ({"comAvail": {"schTime": "2030-01-01T00:00:00Z"}}, b"comAvail.durTime: "),
    ({"comAvail": HOURLY | {"schTime": "soon"}}, b"comAvail.schTime: "),
    ({"comAvail": HOURLY | {"durTime": "soon"}}, b"comAvail.durTime: "),
    ({"comAvail": HOURLY | {"durTime": -1}}, b"comAvail.durTime: "),
    ({"comAvail": HOURLY | {"periIndi": 7}}, b"comAvail.periIndi: "),
    ({"comAvail": HOURLY | {"periInterval": None}}, b"comAvail.periInterval: "),
    ({"comAvail": HOURLY | {"periInterval": 0}}, b"comAvail.periInterval: "),
    ({"comAvail": HOURLY | {"dataSize": 7}}, b"comAvail.dataSize: "),
    ({"triInfo": "x"}, b"triInfo: "),
    ({"triInfo": {"cliPort": "7"}}, b"triInfo.ueId: "),
    ({"triInfo": {"ueId": UE_ID}}, b"triInfo.cliPort: "),
    ({"triInfo": {"ueId": UE_ID, "cliPort": "7", "cliPorts": []}}, b"triInfo.cliPort: "),
    ({"triInfo": {"ueId": UE_ID, "cliPorts": [{"portNum": 7, "Protocol": "TCP"}]}}, b"triInfo.Protocol: "),
    ({"triInfo": {"ueId": UE_ID, "cliPorts": [{"Protocol": "SMS"}]}}, b"triInfo.portNum: "),
]


def test_7_3_3_1_what_cannot_be_read_is_named(tmp_path):
    async def talk():
        async with scene(tmp_path) as it:
            for profile, named in WRONG:
                answer = await it.sleeper.ask(own("REG", A, cliProfile=profile))
                assert answer.code.dotted == "4.00", profile
                assert answer.payload.startswith(named), (profile, answer.payload)
            assert it.journal.find("registered", ue=A) == []

    run(talk())
