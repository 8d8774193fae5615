# SPDX-License-Identifier: MIT
"""Nodes that are stopped and started anew, one after the other: nobody is refused, nothing is lost or comes twice."""

import asyncio
import json
import signal

import aiohttp
import pytest

from host_tests.gateway.page import described
from host_tests.gateway.page.test_metrics import samples
from host_tests.gateway.scripted import LONG, ApplicationServer, Process, Ue, run
from tools.programs.patience import patience
from tools.programs.ports import free_port
from tools.programs.postgres import Cluster

A = "ue:a"
AS = "as:weather@example.org"
MESSAGES = 90


class Node(Process):
    """`msgin5g server` on a database, by a name of its own."""

    def __init__(self, folder, database, name):
        folder = folder / name
        folder.mkdir()
        super().__init__(folder, "--store", database, "--node", name, program="server")
        self.name = name

    async def ready(self):
        try:
            return (await self.get("/readyz"))[0] == 200
        except aiohttp.ClientError:
            return False

    async def get(self, path):
        async with (
            aiohttp.ClientSession("http://127.0.0.1:%d" % self.http_port) as http,
            http.get(path) as response,
        ):
            return response.status, response.headers, await response.read()


async def until(condition):
    async with patience(LONG):
        while not await condition():
            await asyncio.sleep(0.05)


@pytest.fixture
def nodes(tmp_path, database):
    return [Node(tmp_path, database, name) for name in ("a", "b", "c")]


def test_a_rolling_restart_loses_refuses_and_doubles_nothing(nodes):
    async def main():
        for node in nodes:
            await node.start()
        async with Ue(nodes[0], A) as ue, ApplicationServer(nodes[0]) as server:
            await ue.register()
            await server.register()
            sent, refused, turn = [], [], 0
            done = asyncio.Event()

            async def sender():
                """As a load balancer sends it on: to the next node that says it is ready."""
                nonlocal turn
                while not done.is_set() or len(sent) < MESSAGES:
                    turn += 1
                    node = nodes[turn % len(nodes)]
                    if not await node.ready():
                        continue
                    ue.gateway = node
                    body = ue.msg(AS, "number %d" % len(sent), "AS")
                    code = await ue.code(body)
                    sent.append(body["msgId"])
                    if code != "2.04":
                        refused.append((node.name, code))

            sending = asyncio.ensure_future(sender())
            for node in nodes:
                assert await node.kill(signal.SIGTERM) == 0
                await node.start()
                await until(node.ready)
            done.set()
            async with patience(60):
                await sending
            got = [(await server.next())["msgId"] for _ in sent]
            assert refused == []
            assert got == sent
            await asyncio.sleep(0.5)
            assert server.inbox.empty()
            for node in nodes:
                assert await node.kill(signal.SIGTERM) == 0

    run(main())


def test_each_node_tells_of_all(nodes):
    """On the status, and in metrics; one of them leads."""

    async def main():
        for node in nodes:
            await node.start()

        async def knows(node):
            status, headers, octets = await node.get("/status.json")
            described.check("/status.json", "get", status, headers, octets)
            found = json.loads(octets)["nodes"]
            return (
                [each["name"] for each in found if each["state"] == "up"] == ["a", "b", "c"]
                and [each["name"] for each in found if each["here"]] == [node.name]
                and sum(each["leads"] for each in found) == 1
            )

        for node in nodes:
            await until(lambda node=node: knows(node))
        told = [samples((await node.get("/metrics"))[2].decode()) for node in nodes]
        assert sum(each["msgin5g_node_leader",] for each in told) == 1
        assert all(each["msgin5g_nodes", "up"] == 3 for each in told)
        assert all(each["msgin5g_store_statements_total",] > 0 for each in told)
        assert [each["msgin5g_node_info", name] for each, name in zip(told, "abc", strict=True)] == [1, 1, 1]
        for node in nodes:
            assert await node.kill(signal.SIGTERM) == 0

    run(main())


def test_a_node_without_its_database_is_not_ready_and_lives(tmp_path):
    """Also where nobody asks it for anything meanwhile; and it is ready again by itself."""

    async def main(cluster):
        node = Node(tmp_path, cluster.uri(cluster.create()), "a")
        await node.start()
        await until(node.ready)
        cluster.kill()

        async def away():
            status, headers, octets = await node.get("/readyz")
            if status == 200:
                return False
            assert headers["Retry-After"] and "the store" in json.loads(octets)["detail"]
            return True

        await until(away)
        assert (await node.get("/healthz"))[0] == 200
        cluster.start()
        await until(node.ready)
        assert await node.kill(signal.SIGTERM) == 0

    with Cluster(port=free_port()) as cluster:
        run(main(cluster))
