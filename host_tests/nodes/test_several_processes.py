# SPDX-License-Identifier: MIT
"""Three `msgin5g server` on one database, as real programs: what one accepts another one sends; one is killed, one
hangs, and what was theirs goes on elsewhere."""

import asyncio
import os
import signal

from host_tests.gateway.scripted import ApplicationServer, Process, Ue, run
from host_tests.nodes.chaos.cut import Line
from tools.programs.patience import patience
from tools.programs.ports import free_port
from tools.programs.postgres import Cluster

A, B = "ue:a", "ue:b"
AS = "as:weather@example.org"


def servers_on(folder, uri, count=3):
    for number in range(count):
        (folder / str(number)).mkdir()
    return [
        Process(folder / str(number), "--store", uri, "--node", "n%d" % number, program="server")
        for number in range(count)
    ]


async def started(servers):
    for each in servers:
        await each.start()
    return servers


def test_a_message_goes_from_node_to_node_and_on_after_kill_9(tmp_path, database):
    async def main():
        first, second, third = three = await started(servers_on(tmp_path, database))
        async with Ue(first, A) as a, Ue(second, B) as b, Ue(third, B) as b_again:
            async with ApplicationServer(third) as application:
                await application.register()
                await a.register()
                await b.register()
                ids = [await a.send(B, "number %d" % number) for number in range(5)]
                assert [(await b.next("MSG"))["msgId"] for _ in ids] == ids
                await second.kill()
                kept = await a.send(B, "kept")
                await b_again.register()  # its next word, at another node
                got = await b_again.next("MSG")
                if got["msgId"] == ids[-1]:  # answered, not noted when the node died: what comes twice
                    got = await b_again.next("MSG")
                assert got["msgId"] == kept
                ids = [await a.send(AS, "to AS %d" % number, "AS") for number in range(5)]
                async with patience(30):
                    assert [(await application.next())["msgId"] for _ in ids] == ids
        for each in (first, third):
            assert await each.kill(signal.SIGTERM) == 0
        assert len(three) == 3

    run(main())


def test_leases_of_a_node_that_hangs_are_taken(tmp_path, database):
    """SIGSTOP: nothing is closed, so only its silence tells. What went to Application Servers from there goes on from
    another node, in order, and it goes on itself when it may again."""

    async def main():
        first, second = await started(servers_on(tmp_path, database, 2))
        async with Ue(first, A) as a:
            applications = [ApplicationServer(first, "as:%d@example.org" % number) for number in range(4)]
            for each in applications:
                await each.__aenter__()
                await each.register()
            await a.register()
            for each in applications:
                await a.send(each.name, "before", "AS")
                assert (await each.next())["payload"]
            os.kill(second._process.pid, signal.SIGSTOP)
            ids = {each: [await a.send(each.name, "after", "AS") for _ in range(3)] for each in applications}
            async with patience(30):
                for each in applications:
                    assert [(await each.next())["msgId"] for _ in range(3)] == ids[each]
            os.kill(second._process.pid, signal.SIGCONT)
            last = await a.send(applications[0].name, "last", "AS")
            assert (await applications[0].next())["msgId"] == last
            async with Ue(second, B) as b:
                async with patience(30):
                    while await b.code(b.own("REG")) != "2.04":
                        await asyncio.sleep(0.2)
            for each in applications:
                await each.__aexit__(None, None, None)
        for each in (first, second):
            assert await each.kill(signal.SIGTERM) == 0

    run(main())


def test_a_node_that_is_cut_off_from_the_database_refuses_and_the_other_goes_on(tmp_path):
    """What is cut off answers 5.03 within seconds; what it had out goes on from the other node, and it comes back."""

    async def main(cluster, uri):
        async with Line(cluster.port) as line:
            first, second = servers_on(tmp_path, uri, 2)
            cut = uri.replace(":%d/" % cluster.port, ":%d/" % line.port)
            assert cut != uri
            second._command[second._command.index(uri)] = cut
            await started((first, second))
            async with Ue(first, A) as a, Ue(second, B) as b, ApplicationServer(first) as application:
                await application.register()
                await a.register()
                await b.register()
                assert (await a.send(B, "before")) == (await b.next("MSG"))["msgId"]
                line.cut()
                async with patience(30):
                    while await b.code(b.msg(A, "x")) != "5.03":
                        await asyncio.sleep(0.1)
                ids = [await a.send(AS, "meanwhile", "AS") for _ in range(3)]
                async with patience(30):
                    assert [(await application.next())["msgId"] for _ in ids] == ids
                kept = await a.send(B, "kept")
                line.mend()
                got = await b.next("MSG")
                while got["msgId"] != kept:
                    got = await b.next("MSG")
                for each in (first, second):
                    assert await each.kill(signal.SIGTERM) == 0

    with Cluster(port=free_port()) as cluster:
        run(main(cluster, cluster.uri(cluster.create(), over_tcp=True)))
