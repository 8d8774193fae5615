# SPDX-License-Identifier: MIT
"""The Application Servers of one worker, a process of its own: each takes what comes and reports on it. What came is
told as JSON lines, with the time of the machine's clock, which the worker reads, too.

    echo '{"http": "http://127.0.0.1:8065", "servers": {"as:load-1": null}}' | python -m host_tests.many.load.servers

The object names the server's HTTP side, and each Application Server with its bearer token. The program ends with its
standard input.
"""

import asyncio
import contextlib
import json
import sys
import time

from tools.application.server import ApplicationServer, ServerError


def tell(*what):
    print(json.dumps(what), flush=True)


async def _take(application):
    async for message in application.messages():
        tell("message", message.message_id, time.monotonic())


async def _look(applications):
    """Tell how often the server brought something once more, where that changes."""
    told = 0
    while True:
        again = sum(each.repeated for each in applications)
        if again != told:
            told = again
            tell("repeated", again)
        await asyncio.sleep(0.2)


async def _serve(http, servers):
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for name, token in servers.items():
            made.append(await stack.enter_async_context(ApplicationServer(name, http, token=token)))
        tell("ready")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_take(each)) for each in made]
            tasks.append(group.create_task(_look(made)))
            await asyncio.to_thread(sys.stdin.read)
            for task in tasks:
                task.cancel()


def main():
    asked = json.loads(sys.stdin.readline())
    try:
        asyncio.run(_serve(asked["http"], asked["servers"]))
    except (ServerError, OSError) as error:
        tell("trouble", "no Application Server at %s: %s" % (asked["http"], error))


if __name__ == "__main__":
    main()
