# SPDX-License-Identifier: MIT
"""`msgin5g as`, as one types it."""

import asyncio
import os
import sys

from host_tests.gateway.scripted import ROOT

AS = "as:weather@example.org"


class Typed:
    """`msgin5g as` as a process, its lines as they come. `server`: a URI, a gateway in this process, or None."""

    def __init__(self, folder, server, *words):
        uri = "http://127.0.0.1:%d" % server.http_port if hasattr(server, "http_port") else server
        at = () if uri is None else ("--server", uri)
        self._words = [*words[:1], *at, *words[1:]]
        self._environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder)}

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tools.cli",
            "as",
            *self._words,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd=ROOT,
            env=self._environment,
        )
        return self

    async def __aexit__(self, *exception):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def line(self):
        return (await self.process.stdout.readline()).decode().strip()

    async def trouble(self):
        return (await self.process.stderr.readline()).decode().strip()

    async def end(self, given=None):
        """(exit code, stdout, stderr)"""
        out, err = await self.process.communicate(given)
        return self.process.returncode, out.decode(), err.decode()


async def typed(folder, server, *words, given=None):
    """What it came to, as `end` says it."""
    async with Typed(folder, server, *words) as command:
        return await command.end(given)
