# SPDX-License-Identifier: MIT
"""An Application Server at the command line and in Python, a gateway and a device (the firmware on MicroPython), each a
process as one starts it."""

import contextlib
import json
import random
import re
import sys

from host_tests.gateway.devices import UE, config
from host_tests.gateway.scripted import ROOT, run
from host_tests.tools.application.typing_it import AS, Typed, typed
from tools.demo.processes import Device, Gateway, Process, command

PAGE = (ROOT / "docs/application-server.md").read_text()
LARGE = 60_000  # octets: in segments, each way


@contextlib.asynccontextmanager
async def system(folder):
    """(gateway, the URI of its HTTP side); a device that sends everything back is registered with it."""
    async with Gateway(folder, "--open") as gateway:
        device = Device(folder / "device", ROOT / "examples/echo.py")
        device.configure(config(gateway.coap[1]))
        async with device:
            await gateway.event("registered", ue=UE)
            yield gateway, "http://%s:%d" % gateway.http


def described():
    """{event: members} of the objects of --json, by the page."""
    rows = re.findall(r"^\| `(\w+)` \| (?:`listen`|`send`|both) \| (.*) \|$", PAGE, re.MULTILINE)
    return {event: {"time", "event", *re.findall(r"`(\w+)`", members)} for event, members in rows}


def read(text):
    """The objects of these lines, by their event, each with the members that the page has."""
    objects = [json.loads(line) for line in text.splitlines()]
    for each in objects:
        assert each.keys() <= described()[each["event"]]
    return {each["event"]: each for each in objects}


def test_a_file_there_and_back(tmp_path):
    file = tmp_path / "sent"
    file.write_bytes(random.Random(7).randbytes(LARGE))

    async def main():
        async with system(tmp_path) as (_, uri):
            words = ("listen", AS, "--json", "--count", "1", "--save", str(tmp_path / "came"))
            async with Typed(tmp_path, uri, *words) as listen:
                registered = read(await listen.line())["registered"]
                assert (registered["id"], registered["server"]) == (AS, uri)
                words = ("send", "--from", AS, "--to", UE, "--report", "--json", "--file", str(file))
                code, out, err = await typed(tmp_path, uri, *words)
                told = read(out)
                assert (code, err, list(told)) == (0, "", ["accepted", "report"])
                accepted, report = told.values()
                assert (accepted["to"], accepted["stored"]) == (UE, False)
                assert (report["from"], report["delivered"], report["cause"]) == (UE, True, "")
                code, out, _ = await listen.end()
                told = read(out)
                assert code == 0 and told["report"]["msgId"] == accepted["msgId"]
                message = told["message"]
                assert (message["from"], message["to"], message["encoding"]) == (UE, AS, "base64")
                with open(message["file"], "rb") as came:
                    assert came.read() == file.read_bytes()

    run(main(), 60)


def test_a_group_and_a_topic(tmp_path):
    """The device is a member of the group, another Application Server is subscribed to the topic."""
    other, group = "as:other@example.org", "group:all@example.org"

    async def main():
        async with system(tmp_path) as (_, uri):
            async with (
                Typed(tmp_path, uri, "listen", AS) as listen,
                Typed(tmp_path, uri, "listen", other, "--topic", "alerts") as follow,
            ):
                await listen.line()
                assert (await follow.line()).endswith(", on alerts")
                await command(tmp_path, "gateway", "group", "add", group, UE, AS, "--store", "gateway.db")
                for to in (("--group", group), ("--topic", "alerts")):
                    code, out, err = await typed(tmp_path, uri, "send", "--from", AS, *to, "storm")
                    assert (code, err) == (0, "") and out.strip().endswith("for " + to[1])
                assert (await listen.line()).endswith("%s: storm" % UE)  # which echoes it
                assert (await follow.line()).endswith("%s to alerts: storm" % AS)

    run(main(), 60)


def test_the_example_of_the_page(tmp_path):
    example = re.search(r"## In Python\n\n```python\n(.*?)```", PAGE, re.DOTALL)[1]
    assert example.count("http://127.0.0.1:8065") == 1 and UE in example

    async def main():
        async with system(tmp_path) as (_, uri):
            program = example.replace("http://127.0.0.1:8065", uri)
            async with Process((sys.executable, "-u", "-c", program), folder=ROOT) as typed_in:
                report = await typed_in.lines.until(lambda line: line.startswith("Report("), "the report")
                assert "sender='%s'" % UE in report and "delivered=True" in report
                await typed_in.lines.until(lambda line: line == UE + " measure", "the echo")

    run(main(), 60)
