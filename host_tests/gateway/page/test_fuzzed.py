# SPDX-License-Identifier: MIT
"""schemathesis against a gateway that runs: what it makes of the OpenAPI document, right and wrong, is answered as the
document says. The same requests at each run."""

import asyncio
import re
import sys

import pytest

from host_tests.gateway.page import described
from host_tests.gateway.scripted import gateway, run
from tools.programs.patience import patience

EXAMPLES = 15  # of each call, beside those that are counted out: each bound, each type, each member left out
PATIENCE = 240  # seconds until it has failed


async def fuzzed(url, folder, *options):
    """(exit code, what it says) of one run."""
    program = [sys.executable, "-m", "schemathesis.cli", "run", url, "--no-color", "--warnings", "off"]
    program += ["--generation-deterministic"]
    program += ["--max-examples", str(EXAMPLES), "--continue-on-failure", *options]
    process = await asyncio.create_subprocess_exec(
        *program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder
    )
    try:
        async with patience(PATIENCE):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path):
    """All of its checks: no 5xx, documented statuses, types, headers and bodies, what is wrong refused, what is right
    taken, other methods."""

    async def main():
        async with gateway() as g:
            url = "http://127.0.0.1:%d/openapi.json" % g.http_port
            all_that_end = "^/(?!live$)"
            code, said = await fuzzed(url, tmp_path, "--include-path-regex", all_that_end)
            assert code == 0, said
            assert re.search(r"Tested: %d$" % (len(described.operations()) - 1), said, re.M), said
            assert int(re.search(r"(\d+) generated", said)[1]) > 20 * EXAMPLES, said
            assert g.journal.find("error") == []

    run(main())


@pytest.mark.slow
def test_it_would_find_something(tmp_path):
    """Against a gateway that takes what its document forbids."""

    async def main():
        async with gateway() as g:
            accept = g.http._body

            async def kind(request, longest=None):
                body = await accept(request, longest)
                return {name: value for name, value in body.items() if name != "asProf"}

            g.http._body = kind
            url = "http://127.0.0.1:%d/openapi.json" % g.http_port
            code, said = await fuzzed(
                url, tmp_path, "--include-operation-id", "register", "--phases", "coverage"
            )
            assert code == 1 and "asProf" in said

    run(main())
