# SPDX-License-Identifier: MIT
"""Groups (TS 24.538 clause 6.8.3) and several applications (6.4.1.1.6 b): devices, gateway, server, each a process of
its own."""

import contextlib
import json
import textwrap

import pytest

from host_tests.gateway.devices import APPS, COMBINED, LOWER, config, gateway_of, run
from tools.demo.processes import ROOT, Device, command

A, B, C = "ue:a@example.org", "ue:b@example.org", "ue:c@example.org"
PUMPS = "g:pumps@example.org"
QUICK = {"coap": {"ack_timeout": 0.2}}
QUICK_GATEWAY = ("--coap-ack-timeout", "0.2", "--retry-min", "0.1", "--retry-max", "0.5")


class Stage:
    def __init__(self, folder, security, stack, programs):
        (folder / "gateway").mkdir()
        open_ = () if security == "oscore" else ("--open",)
        self.gateway = gateway_of(programs, folder / "gateway", *open_, *QUICK_GATEWAY, security=security)
        self.programs = programs
        self._store = "gateway.db" if programs == COMBINED else "server.db"
        self._folder = folder
        self._security = security
        self._stack = stack

    async def group(self, *words):
        await command(self._folder / "gateway", "gateway", "group", *words, "--store", self._store)

    async def device(self, ue, todo, app=APPS / "groups.py", ready="> "):
        made = Device(self._folder / ue.partition("@")[0][3:], app)
        keys = {"mode": "none"}
        if self._security == "oscore":
            keys = await self.gateway.keys(ue)
            keys = keys.get("security", keys)
        made.configure(config(self.gateway.coap[1], ue_service_id=ue, security=keys, **QUICK))
        made.put("groups.json", json.dumps(todo))
        await self._stack.enter_async_context(made)
        if ready == "> ":
            await made.tells("ready")
        else:
            await made.lines.until(lambda line: line == ready, ready, 20)
        return made


@pytest.fixture(params=["none", "oscore"])
def security(request):
    return request.param


@pytest.fixture(params=[COMBINED, LOWER])
def play(request, security, tmp_path):
    def on_stage(scene):
        async def whole():
            async with contextlib.AsyncExitStack() as stack:
                stage = Stage(tmp_path, security, stack, request.param)
                await stack.enter_async_context(stage.gateway)
                await scene(stage)

        run(whole(), 120)

    return on_stage


def told(device, step):
    return [each for each in device.told.items if each["step"] == step]


def test_a_member_joins_hears_and_leaves(play):
    async def scene(stage):
        await stage.group("add", PUMPS, A, B, C, "--explicit", "--name", "the pumps")
        a = await stage.device(A, {"watch": True, "join": [PUMPS], "group_members": [PUMPS], "app": "meter"})
        assert told(a, "groups")[0]["groups"] == [[PUMPS, "the pumps", False]]
        assert sorted(told(a, "group_members")[0]["result"]) == [A, B, C]
        b = await stage.device(B, {"join": [PUMPS], "leave": [PUMPS]})
        await stage.device(C, {"join": [PUMPS, "g:none"], "send": {PUMPS: "start"}, "app_id": "meter"})
        took = await a.tells("took")
        assert (took["by"], took["to"], took["to_type"]) == ("meter", PUMPS, "GROUP")
        assert (took["sender"], took["payload"]) == (C, "start")
        assert told(b, "took") == []
        await stage.group("remove", PUMPS)
        if stage.programs == LOWER:
            return  # nothing is observed through a Gateway UE: the device asks again, some minutes later
        gone = await a.told.until(lambda each: each.get("what") == "gone", "the group to be gone", 20)
        assert gone["group"] == PUMPS

    play(scene)


def test_a_group_that_knows_no_such_member(play):
    async def scene(stage):
        await stage.group("add", PUMPS, B, C)
        a = await stage.device(A, {"join": [PUMPS], "group_members": ["g:none"]})
        wanted = "refused: there is no such group, or this device is no member of it"
        assert [each["why"] for each in told(a, "error")] == [
            f"join {PUMPS}: {wanted}",
            f"members g:none: {wanted}",
        ]

    play(scene)


def example(folder, title):
    """An application of what docs/application.md has under this title."""
    section = (ROOT / "docs/application.md").read_text().partition("\n### %s\n" % title)[2]
    code = section.partition("```python\n")[2].partition("```")[0]
    head = "import asyncio\nfrom device import start\n\nasync def main():\n"
    start = "" if "await start()" in code else "    client = await start()\n"
    file = folder / ("%s.py" % title.split()[0])
    end = '    print("done")\n    await asyncio.sleep(60)\n\nasyncio.run(main())\n'
    file.write_text(head + start + textwrap.indent(code, "    ") + end)
    return file


def test_the_examples_of_the_page(tmp_path):
    async def whole():
        async with contextlib.AsyncExitStack() as stack:
            stage = Stage(tmp_path, "none", stack, COMBINED)
            await stack.enter_async_context(stage.gateway)
            await stage.group("add", PUMPS, A, B, C, "--explicit")
            a = await stage.device(A, {}, example(tmp_path, "Groups"), "done")
            assert PUMPS + " announced" in a.lines.items
            (members,) = [line for line in a.lines.items if line.startswith("[")]
            assert sorted(json.loads(members.replace("'", '"'))) == [A, B, C]
            app = example(tmp_path, "Several applications")
            b = await stage.device(B, {}, app, "msgin5g: registered")
            await stage.device(C, {"to": {B: "23.0"}, "app_id": "meter"})
            await b.lines.until(lambda line: line == "23.0", "the message", 20)

    run(whole(), 120)
