# SPDX-License-Identifier: MIT
"""What an application may do to the client beside it, and what becomes of the device: the firmware on MicroPython, with
the real gateway (docs/health.md).
"""

import asyncio
import json
import socket

import pytest

from host_tests.gateway.devices import UE, config, device, gateway_and_server, run
from tools.demo.processes import Device

READINGS = 20


@pytest.mark.parametrize("timeout, messages", [(0.002, 200), (1, 5)])
def test_polling_loses_nothing(tmp_path, timeout, messages):
    async def main():
        async with gateway_and_server(tmp_path / "g") as (gateway, server):
            board = device(tmp_path, "polling.py", gateway.coap[1])
            board.put("plan.json", json.dumps({"messages": messages, "timeout": timeout}))
            async with board:
                await gateway.event("registered", ue=UE)
                for number in range(messages):
                    await server.reports.reach(number - 7, "reports", seconds=None)
                    await server.send(UE, f"down {number}")
                done = await board.tells("done", seconds=None)
                assert await board.wait() == 0
            took = [told["payload"] for told in board.told.items if told["step"] == "took"]
            assert took == [f"down {number}" for number in range(messages)]
            if messages > 100:
                assert done["timeouts"] > 0  # or nothing was tried

    run(main(), 120)


def test_there_is_one_client_however_often_it_is_started(tmp_path):
    async def main():
        async with gateway_and_server(tmp_path / "g") as (gateway, server):
            board = device(tmp_path, "twice.py", gateway.coap[1])
            async with board:
                assert await board.wait(None) == 0
            told = {item.pop("step"): item for item in board.told.items}
            assert told["both"] == {"same": True}
            assert told["readings"]["states"] == ["delivered"] * READINGS
            assert told["readings"]["running"] == 1
            assert told["readings"]["clients"] == 1
            assert "await its stop() before another one starts" in told["other"]["why"]
            assert UE in told["other"]["why"]
            assert told["stopping"] == told["cancelled"] == {"good": True}
            assert told["again"] == {"state": "delivered", "running": 1}
            came = [message.payload for message in server.messages.items]
            assert came == [f"reading {number}" for number in range(READINGS + 1)]

    run(main(), 120)


ENDS = {
    "CancelledError": (
        "t = asyncio.create_task(client.receive()); await asyncio.sleep(0); t.cancel(); await t",
        "CancelledError",
    ),
    "BaseException": ("raise BaseException('no Exception')", "BaseException: no Exception"),
    "GeneratorExit": ("raise GeneratorExit", "GeneratorExit"),
    "MemoryError": ("kept = []\n    while True: kept.append(bytearray(512))", "MemoryError"),
    "reader": ("client._tasks['reader'].cancel(); await client.receive(60)", "the reader task ended"),
    "timer": ("client._tasks['timer'].cancel(); await client.receive(60)", "the timer task ended"),
    "queue": (
        "asyncio.core._io_queue.map.clear(); client._tasks['reader'].cancel(); await client.receive(60)",
        "the reader task ended",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_whatever_ends_an_application_ends_the_process_with_words(tmp_path, name):
    """A service manager starts it anew; on a board that is the reset (host_tests/hardware/device/test_beside.py)."""
    step, words = ENDS[name]
    app = tmp_path / "app.py"
    app.write_text(
        "import asyncio\nfrom device import start\nasync def main():\n    client = await start()\n"
        f"    await asyncio.sleep(0.2)\n    {step}\nasyncio.run(main())\n"
    )

    async def main():
        board = Device(tmp_path / "device", app)
        board.configure(config(9))
        async with board:
            assert await board.wait() == 1
        assert any(words in line for line in board.lines.items), board.lines.items
        assert words in (board.folder / "messages/boot").read_text()

    run(main())


BOM = b"\xef\xbb\xbf"
TEXTS = {
    "byte order mark": (BOM + b'print(\'> {"step": "ran"}\', __name__)\n', "__main__"),
    "Latin-1": (b'# caf\xe9\nprint(\'> {"step": "ran"}\', __name__)\n', "__main__"),
    "200 KB": (
        b"# says nothing, and is long\n" * 7400 + b'print(\'> {"step": "ran"}\', __name__)\n',
        "__main__",
    ),
    "200 KB, wrong": (
        b"# says nothing, and is long\n" * 7400 + b"1 / 0\n",
        'app.py", line 7401, in <module>',
    ),
    "mark, wrong": (BOM + b"pass\n1 / 0\n", 'app.py", line 2, in <module>'),
    "Latin-1, wrong": (b"# caf\xe9\nx = 'caf\xe9'\n)\n", 'app.py", line 3'),
}


@pytest.mark.parametrize("name", TEXTS)
def test_an_application_is_read_as_the_importer_does(tmp_path, name):
    octets, words = TEXTS[name]
    (tmp_path / "app.py").write_bytes(octets)

    async def main():
        board = Device(tmp_path / "device", tmp_path / "app.py")
        board.configure(config(9))
        async with board:
            await board.wait()
        assert any(words in line for line in board.lines.items), board.lines.items

    run(main())


def test_what_a_peer_wrote_cannot_pass_for_a_line_of_ours(tmp_path):
    app = tmp_path / "app.py"
    app.write_text(
        "from device.health import log\nlog('%s', 'x\\r\\nmsgin5g: registered\\x1b[2J\\x9b0m caf\\xe9')\n"
    )

    async def main():
        board = Device(tmp_path / "device", app)
        board.configure(config(9))
        async with board:
            assert await board.wait() == 0
        assert board.lines.items == ["msgin5g: x??msgin5g: registered?[2J?0m café"]

    run(main())


def test_a_configuration_with_a_byte_order_mark_and_a_peer_in_ipv6(tmp_path):
    app = tmp_path / "app.py"
    app.write_text(
        "import asyncio\nfrom device import start\nasync def main():\n    client = await start()\n"
        "    await client.receive()\nasyncio.run(main())\n"
    )

    async def main():
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
            peer.bind(("::1", 0))
            peer.setblocking(False)
            board = Device(tmp_path / "device", app)
            members = config(9, peer=f"coap://[::1]:{peer.getsockname()[1]}")
            (board.folder / "msgin5g.json").write_bytes(BOM + json.dumps(members).encode())
            async with board:
                request = await asyncio.get_running_loop().sock_recv(peer, 2000)
        assert b'"msgType":"REG"' in request

    run(main())
