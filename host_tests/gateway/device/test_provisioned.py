# SPDX-License-Identifier: MIT
"""Devices of a list (`msgin5g provision --csv`) with the running gateway: one is put on a unix board, registers under
OSCORE and sends a message; one with a copy of an older key is refused.
"""

import contextlib
import io

from host_tests.gateway.devices import AS, EXAMPLES, run
from tools import cli
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway

UE = "ue:2@example.org"


def provision(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        code = cli.main(["provision", *map(str, arguments)])
    return code, said.getvalue()


def test_a_device_of_a_list_registers_and_sends(tmp_path):
    async def talk():
        async with Gateway(tmp_path, security="oscore") as gateway:
            async with ApplicationServer(AS, gateway.http) as server:
                await server.register()
                await devices(gateway, server)

    async def devices(gateway, server):
        store = ("--store", tmp_path / "gateway.db")
        (tmp_path / "list.csv").write_text("ue\nue:1@example.org\nue:2@example.org\nue:3@example.org\n")
        peer = "coap://%s:%d" % gateway.coap
        code, said = provision(
            "--csv", tmp_path / "list.csv", "--out", tmp_path / "made", "--peer", peer, *store
        )
        assert code == 0, said
        file = tmp_path / "made/ue_2@example.org.json"
        state = tmp_path / "device"
        assert provision("--config", file, "--state", state, *store)[0] == 0

        device = Device(state, EXAMPLES / "sensor.py")
        async with device:
            message = await server.message(lambda message: message.sender == UE, "a reading")
            assert message.payload.isdecimal()
        assert gateway.count("registered", ue=UE) == 1
        assert gateway.count("refused") == 0

        # Its flash is lost: the file that was kept is not given again, and new keys need to be asked for.
        other = tmp_path / "erased"
        code, said = provision("--config", file, "--state", other, *store)
        assert code == 2 and "their sequence numbers" in said
        assert provision("--ue", UE, "--peer", peer, "--state", other, *store)[0] == 2
        assert provision("--ue", UE, "--peer", peer, "--state", other, "--force", *store)[0] == 0
        seen = len(gateway.events.items)
        async with Device(other, EXAMPLES / "sensor.py"):
            await gateway.event("registered", ue=UE, start=seen)
        # and the lost one, found again, gets nowhere
        async with Device(state, EXAMPLES / "sensor.py"):
            refused = await gateway.event("refused", start=seen)
            assert refused["reason"] == "no device was added with this security.sender_id"

    run(talk())
