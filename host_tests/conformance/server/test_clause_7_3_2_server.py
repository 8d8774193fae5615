# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.3.2.1, JSON of the MSGin5G UE configuration, at the server: {ueId (M), addInfos [{name, value}]}
in a request whose query names no UE; the UE is aiocoap."""

import json

import aiocoap
import pytest

from host_tests.conformance.server.configuring import IMEI, OTHER_IMEI, UE, scene
from tools.programs.patience import run

MODULES = ("tools/wire/ueconfig.py",)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def body(value, **more):
    return {"payload": json.dumps(value).encode(), "content_format": 50, **more}


@pytest.mark.parametrize("code", [aiocoap.GET, aiocoap.FETCH])
def test_ue_id_names_the_ue(tmp_path, mode, code):
    async def story():
        async with scene(tmp_path, mode) as server:
            document = await server.document(IMEI, code=code, **body({"ueId": IMEI}))
            assert json.loads(document["ueConfigs"][0]["configData"])["ueServiceId"] == UE

    run(story())


def test_add_infos_say_what_the_query_would(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            await server.command("ue", "add", IMEI, "--vendor", "acme", "--type", "35209900")

            def infos(**values):
                return [{"name": name, "value": value} for name, value in values.items()]

            right = {"ueId": IMEI, "addInfos": infos(vendor="acme", type="35209900", colour="red")}
            wrong = {"ueId": IMEI, "addInfos": infos(type="35209901")}
            assert await server.code(IMEI, **body(right)) == "2.05"
            assert await server.code(IMEI, **body(wrong)) == "4.04"
            assert await server.code(IMEI, "ue-uri=" + IMEI, "ue-vendor=other") == "4.04"

    run(story())


def test_the_query_wins(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            document = await server.document(IMEI, "ue-uri=" + IMEI, **body({"ueId": OTHER_IMEI}))
            assert document["valUeIds"]["uris"] == [IMEI]

    run(story())


@pytest.mark.parametrize(
    "value, named",
    [
        ({}, b"ueId"),
        ({"ueId": 5}, b"ueId"),
        ({"ueId": "a", "addInfos": "b"}, b"addInfos"),
        ({"ueId": "a", "addInfos": [{"name": "vendor"}]}, b"value"),
        ([], b"body"),
    ],
)
def test_a_body_that_is_wrong_gets_4_00_that_names_the_member(tmp_path, mode, value, named):
    async def story():
        async with scene(tmp_path, mode) as server:
            answer = await server.ask(IMEI, **body(value))
            assert answer.code == aiocoap.BAD_REQUEST
            assert named in answer.payload

    run(story())


def test_a_body_in_another_format_gets_4_15(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            assert await server.code(IMEI, **body({"ueId": IMEI}, content_format=41)) == "4.15"

    run(story())
