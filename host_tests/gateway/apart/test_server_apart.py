# SPDX-License-Identifier: MIT
"""`msgin5g server`: a server without a gateway, as a process, asked by an aiocoap client."""

import argparse
import contextlib
import subprocess
import sys
import types

import pytest

from host_tests.gateway.scripted import ROOT, Process, Ue, code_of, run
from tools import cli
from tools.gateway import arguments, program
from tools.gateway import keys as key_files
from tools.store.store import Store


def test_a_server_serves_ues_and_has_no_gateway_service(tmp_path):
    async def play():
        server = Process(tmp_path, program="server")
        await server.start()
        try:
            async with Ue(server, "ue:a@example.org") as a, Ue(server, "ue:b@example.org") as b:
                assert (await a.register())["result"] is True
                await b.register()
                answer = await a.post(a.own("GWREG", expiredTime=60))
                assert code_of(answer) == "5.01"
                assert b"Gateway UE" in answer.payload
                msg_id = await a.send(b.name, "hello")
                assert (await b.next("MSG"))["msgId"] == msg_id
                # what Annex A.3 says is for a gateway
                body = {"msgType": "REG", "appId": 7, "credential": "00"}
                assert await a.code(body) == "4.00"
        finally:
            assert await server.kill(15) == 0

    run(play())


def test_its_commands_and_its_mistakes(tmp_path):
    def server(*words):
        command = [sys.executable, "-m", "tools.cli", "server", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    store = ("--store", str(tmp_path / "server.db"))
    assert server("device", "add", "ue:gw@example.org", "--gateway", *store)[0] == 0
    code, out, _ = server("device", "list", *store)
    assert (code, "ue:gw@example.org" in out) == (0, True)
    code, _, told = server("device", "remove", "ue:nobody@example.org", *store)
    assert code == 2 and told.startswith("msgin5g: ue:nobody@example.org is not in")
    assert server("--retry-min", "5", "--retry-max", "1", *store)[0] == 2
    code, _, told = server("--serial=/dev/ttyUSB0")
    assert code == 2 and "--serial" in told


UPSTREAM = ("--upstream", "coap://127.0.0.1:9")
GWID = ("--ue", "ue:gw@example.org")


@pytest.mark.parametrize(
    "words, says",
    [
        (UPSTREAM, "--upstream needs --ue ID"),
        ((*UPSTREAM, *GWID), "msgin5g server device add ue:gw@example.org --gateway --key FILE"),
        ((*UPSTREAM, *GWID, "--upstream-key", "{}/none.json"), "none.json: No such file"),
        ((*UPSTREAM, *GWID, "--upstream-key", "{}/odd.json"), "odd.json is not JSON"),
        ((*UPSTREAM, *GWID, "--upstream-key", "{}/short.json"), "security.sender_id must be"),
        ((*UPSTREAM, *GWID, "--upstream-key", "{}/odd.json", "--upstream-security", "none"), "leave out one"),
        ((*UPSTREAM, *GWID, "--admin"), "--admin is for the server"),
        ((*UPSTREAM, *GWID, "--assign", "example.org"), "--assign is for the server"),
        ((*UPSTREAM, *GWID, "--aggregate", "5"), "--aggregate is for the server"),
        ((*UPSTREAM, *GWID, "--bmg", "hall=http://127.0.0.1:1"), "--bmg is for the server"),
        ((*UPSTREAM, *GWID, "--groups-by", "admin"), "--groups-by is for the server"),
        (("--upstream-key", "x.json"), "--upstream-key means nothing without --upstream"),
        (("--upstream-security", "none"), "--upstream-security means nothing without --upstream"),
        (("--upstream", "http://127.0.0.1"), "is not coap://HOST"),
        (("--upstream", "coap://127.0.0.1:99999"), "is not coap://HOST"),
        (("--upstream", "coap://127.0.0.1/msgin5g"), "is not coap://HOST"),
        (("--upstream", "coap://"), "is not coap://HOST"),
        (("--bulk-max", "0"), "not a number of requests from 1"),
        (("--bulk-max", "9" * 13), "not a number of requests from 1"),
        (("--quota", "9" * 5000), "not a number of octets from 1"),
        (("--bulk-interval", "-1"), "not a number of seconds above 0"),
        (("--gateway-ues", "many"), "not a number of UEs from 1"),
        (("--bulk-configuration", "everybody"), "'everybody' is neither registered nor all"),
        (("--bulk-configuration=",), "'' is neither registered nor all"),
        (("--bulk-configuration", "all", "--security", "none"), "all with --security none needs --open"),
    ],
)
def test_mistakes_in_the_options_of_a_gateway_apart(words, says, tmp_path, capsys):
    (tmp_path / "odd.json").write_text("no JSON")
    (tmp_path / "short.json").write_text('{"security": {"sender_id": "x"}}')
    words = [word.format(tmp_path) for word in words]
    store = ("--store", str(tmp_path / "g.db"), "--coap", "127.0.0.1:0", "--http", "127.0.0.1:0")
    try:
        code = cli.main(["gateway", *store, *words])
    except SystemExit as end:  # argparse
        code = end.code
    assert code == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "g.db").exists()


@pytest.mark.parametrize(
    "words, whose",
    [
        ((), ""),
        (("--bulk-configuration",), "registered"),
        (("--bulk-configuration", "registered"), "registered"),
        (("--bulk-configuration", "--open"), "registered"),
        (("--bulk-configuration", "all"), "all"),
        (("--bulk-configuration=all",), "all"),
    ],
)
def test_whose_configurations_may_wait(words, whose):
    parser = argparse.ArgumentParser()
    program.add_arguments(parser)
    options = arguments.gateway_options(parser.parse_args(list(words)))
    assert options["function"]["bulk_configuration"] == whose


def test_a_gateway_apart_says_that_no_device_may_come_where_it_has_none(tmp_path):
    parser = argparse.ArgumentParser()
    program.add_arguments(parser)
    with contextlib.closing(Store(":memory:")) as store:
        running = types.SimpleNamespace(store=store)

        def hints(*words):
            return list(program.hints(parser.parse_args([*UPSTREAM, *GWID, *words]), running))

        (hint,) = hints()
        assert hint.startswith("no device may come yet: msgin5g provision --ue ID")
        assert hints("--open", "--security", "none") == []
        with store.transaction():
            keys = key_files.of_section("here", key_files.new_section(()))
            key_files.add_ue_id(store, "urn:imei:35-209900-176148-7", keys, "here")
        assert hints() == []  # one with a UE ID only
