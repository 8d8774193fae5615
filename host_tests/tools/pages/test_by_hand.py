# SPDX-License-Identifier: MIT
"""docs/by-hand.md, typed as it stands: curl and coap-client at a gateway, and the receiver that the page prints."""

import asyncio
import contextlib
import os
import re
import socket
import sys

from host_tests.gateway.scripted import ROOT, run
from tools.demo.processes import Process
from tools.programs.patience import patience
from tools.programs.peers import peer

PAGE = ROOT / "docs/by-hand.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
NOT_OF_US = ("Date: ", "Server: ")  # headers with a time and with versions


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


async def typed(text, folder, coap_client, curl):
    """The page with what really came in place of what it shows."""
    receiver = str(free_port(socket.SOCK_STREAM))
    device, stranger = (str(free_port(socket.SOCK_DGRAM)) for _ in range(2))
    (folder / "coap-client").symlink_to(coap_client)
    (folder / "curl").symlink_to(curl)
    (folder / "receiver.py").write_text(
        next(block for kind, block in BLOCK.findall(text) if kind == "python").replace("9000", receiver)
    )
    store = "--store %s/gateway.db" % folder
    options = "--coap 127.0.0.1:0 --http 127.0.0.1:0 --security none --open " + store
    gateway = [sys.executable, "-m", "tools.cli", "gateway", *options.split()]
    async with Process(gateway, folder=ROOT) as serving:
        line = await serving.lines.until(lambda line: "listening" in line, "that it listens")
        coap, http = re.search(r"CoAP on \S+:(\d+), HTTP on \S+:(\d+)", line).groups()
        ports = {"8065": http, "65401": coap, "9000": receiver, "40000": device, "40001": stranger}
        came, location, told = "", "", 0
        async with Process([sys.executable, folder / "receiver.py"], folder=folder) as heard:
            await listens(int(receiver))
            parts = []
            end = 0
            for match in BLOCK.finditer(text):
                kind, block = match.groups()
                parts.append(text[end : match.start()])
                end = match.end()
                if kind == "sh":
                    command = block.replace("LOCATION", location).replace("group add", "group add " + store)
                    for known, real in ports.items():
                        command = re.sub(r"\b%s\b" % known, real, command)
                    came = await shell(command, folder)
                    location = (re.findall(r"registrations/(\S+)", came) or [location])[0]
                elif kind == "received":
                    told += 1
                    await heard.lines.reach(told, "lines of the receiver")
                    block = heard.lines.items[told - 1] + "\n"
                elif not kind and came:
                    block, came = came + "\n", ""
                for known, real in ports.items() if kind in ("", "received") else ():
                    block = re.sub(r"\b%s\b" % real, known, block)
                if location and kind != "sh":
                    block = block.replace(location, "LOCATION")
                parts.append("```%s\n%s```" % (kind, block))
            return "".join([*parts, text[end:]])


async def shell(command, folder):
    """What a command prints, the headers apart that say nothing of the gateway."""
    path = "%s:%s" % (folder, os.environ["PATH"])
    done = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        command,
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await done.communicate())[0].decode().replace("\r", "")
    assert done.returncode == 0, (command, said)
    return "\n".join(line for line in said.split("\n") if line and not line.startswith(NOT_OF_US))


async def listens(port):
    """Until somebody does."""
    async with patience(20):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


def test_what_is_typed_gives_what_the_page_shows(tmp_path):
    text = PAGE.read_text()
    assert run(typed(text, tmp_path, peer("coap-client-notls"), peer("curl"))) == text
