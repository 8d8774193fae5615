# SPDX-License-Identifier: MIT
"""`msgin5g server` on PostgreSQL, one of it: what was answered 2.04 survives kill -9 of the program and of the
database."""

import asyncio
import signal

from host_tests.gateway.scripted import ApplicationServer, Process, Ue, run
from tools.programs.patience import patience
from tools.programs.ports import free_port
from tools.programs.postgres import Cluster

A, B = "ue:a", "ue:b"
AS = "as:weather@example.org"


def server_on(folder, uri):
    return Process(folder, "--store", uri, "--node", "one", program="server")


def test_messages_reports_segments_and_registrations_survive_kill_9(tmp_path, database):
    async def main():
        server = server_on(tmp_path, database)
        await server.start()
        async with Ue(server, A) as a, Ue(server, B) as b, ApplicationServer(server) as application:
            await application.register()
            await a.register()
            await b.register()
            b.answer = lambda body: None  # acknowledged by nothing: it stays with the server
            ids = [await a.send(B, "number %d \0" % number) for number in range(5)]
            parts = a.segments(AS, ["one ", "two ", "three"], "AS")
            for part in parts[:2]:
                assert await a.code(part) == "2.04"
            again = a.msg(B, "number 0 \0", msgId=ids[0])
            assert await server.kill() == -signal.SIGKILL

            b.answer = lambda body: 68  # 2.04
            await server.start()
            got = [await b.next("MSG") for _ in ids]
            assert [message["msgId"] for message in got] == ids
            assert [message["payload"] for message in got] == ["number %d \0" % n for n in range(5)]
            assert await a.code(again) == "2.04"
            assert await a.code(parts[2]) == "2.04"
            assert (await application.next())["payload"] == "one two three"
            assert (await a.next("SEGCONFIR"))["result"] is True
            assert b.inbox.empty()
            assert await b.report(got[0]) == "2.04"
            assert (await a.next("IMDN"))["msgId"] == ids[0]
            assert await server.kill(signal.SIGTERM) == 0

    run(main())


def test_the_database_is_killed_and_comes_back(tmp_path):
    """Meanwhile a message is refused for later, 5.03; then all goes on, with what was accepted before."""

    async def main(cluster, uri):
        server = server_on(tmp_path, uri)
        await server.start()
        async with Ue(server, A) as a, Ue(server, B) as b:
            await a.register()
            await b.register()
            b.answer = lambda body: None
            first = await a.send(B, "before")
            cluster.kill()
            assert await a.code(a.msg(B, "meanwhile")) == "5.03"
            assert await a.code(a.msg(B, "meanwhile")) == "5.03"
            b.answer = lambda body: 68
            cluster.start()
            async with patience(30):
                while await a.code(a.msg(B, "after", msgId="0a0a0a0a-0000-4000-8000-000000000001")) != "2.04":
                    await asyncio.sleep(0.2)
            got = [await b.next("MSG"), await b.next("MSG")]
            assert got[0]["msgId"] == first
            assert [each["payload"] for each in got] == ["before", "after"]
            assert await server.kill(signal.SIGTERM) == 0

    with Cluster(port=free_port()) as cluster:
        run(main(cluster, cluster.uri(cluster.create())))
