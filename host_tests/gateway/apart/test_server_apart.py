# SPDX-License-Identifier: MIT
"""`msgin5g server`: a server without a gateway, as a process, asked by an aiocoap client."""

import subprocess
import sys

from host_tests.gateway.scripted import ROOT, Process, Ue, code_of, run


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
    assert code == 2 and told.startswith("msgin5g server: ue:nobody@example.org is not in")
    assert server("--retry-min", "5", "--retry-max", "1", *store)[0] == 2
    code, _, told = server("--serial=/dev/ttyUSB0")
    assert code == 2 and "--serial" in told
