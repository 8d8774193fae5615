# SPDX-License-Identifier: MIT
"""Updates over HTTP: all jobs, one with its devices by state and by page, and what a reader of /live hears of them."""

import pytest

from host_tests.gateway.page.asked import Page, sent_update, update_goes_on
from host_tests.gateway.page.test_metrics import read, samples
from host_tests.gateway.scripted import Ue, gateway, run
from tools.store.server.updatetables import DONE, PAUSED

STATES = "waiting offered loading verified trying confirmed refused rolled-back stopped".split()

UES = ["ue:sensor-%02d@example.org" % number for number in range(1, 8)]
JOB = {
    "job": 1,
    "bundle": "5f2b09c41d8e73a6",
    "kind": "app",
    "name": "garden",
    "version": "1.4",
    "number": 1796000000,
    "state": "running",
    "why": "",
    "created": 1796050000.5,
    "stage": 0,
    "devices": 7,
    "counts": {"waiting": 7},
}


def waits(ue):
    return {"ue": ue, "state": "waiting", "have": 0, "of": 20480, "cause": "", "changed": 1796050000.5}


def test_all_updates_the_newest_first():
    async def main():
        async with gateway() as g, Page(g) as page:
            assert await page.get("/api/updates") == {"items": []}
            sent_update(g, UES)
            assert await page.get("/api/updates") == {"items": [JOB]}
            sent_update(g, UES[:1])
            with g.store.transaction():
                g.store.set_update_state(1, PAUSED, "2 devices failed")
            newer, older = (await page.get("/api/updates"))["items"]
            assert (newer["job"], newer["devices"], newer["counts"]) == (2, 1, {"waiting": 1})
            assert (older["state"], older["why"]) == ("paused", "2 devices failed")
            # the newer one of the kind has taken the place of the older one there
            assert older["counts"] == {"waiting": 6, "stopped": 1}

    run(main())


def test_one_update_by_page_and_by_state():
    async def main():
        async with gateway() as g, Page(g) as page:
            job = sent_update(g, UES)
            update_goes_on(g, job, UES[1], "loading", have=4096)
            update_goes_on(g, job, UES[4], "refused", "number: 7 is not newer than 8")
            whole = await page.get("/api/updates/1")
            assert [each["ue"] for each in whole["items"]] == UES
            counts = {"waiting": 5, "loading": 1, "refused": 1}
            expected = JOB | {"counts": counts, "total": 7, "page": 1, "size": 50}
            assert {name: value for name, value in whole.items() if name != "items"} == expected
            assert whole["items"][0] == waits(UES[0])
            refused = (await page.get("/api/updates/1?state=refused"))["items"]
            assert refused == [
                waits(UES[4])
                | {"state": "refused", "cause": "number: 7 is not newer than 8", "changed": 1796050010.5}
            ]
            seen = []
            for number in (1, 2, 3):
                part = await page.get("/api/updates/1?state=waiting&size=2&page=%d" % number)
                assert (part["total"], part["page"], part["size"]) == (5, number, 2)
                seen += [each["ue"] for each in part["items"]]
            assert seen == [ue for ue in UES if ue not in (UES[1], UES[4])]
            assert (await page.get("/api/updates/1?page=1000000&size=200"))["items"] == []
            assert (await page.get("/api/updates/1?state=trying"))["total"] == 0

    run(main())


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/updates/2", 404, ["there is no such update"]),
        ("/api/updates/one", 404, ["there is no such update"]),
        ("/api/updates/-1", 404, ["there is no such update"]),
        ("/api/updates/%d" % 10**18, 404, ["there is no such update"]),
        ("/api/updates?page=1", 400, ["page", "not a parameter of this call"]),
        ("/api/updates/1?state=asleep", 400, ["state", "not one of " + ", ".join(STATES)]),
        ("/api/updates/1?page=0", 400, ["page", "not 1 to 1000000"]),
        ("/api/updates/1?page=x", 400, ["page", "not a whole number from 0"]),
        ("/api/updates/1?size=201", 400, ["size", "not 1 to 200"]),
        ("/api/updates/1?size=1&size=2", 400, ["size", "more than once"]),
        ("/api/updates/1?q=a", 400, ["q", "not one of state, page, size"]),
    ],
)
def test_what_is_not_there(path, status, words):
    async def main():
        async with gateway() as g, Page(g) as page:
            sent_update(g)
            told = await page.get(path, status)
            assert told["detail"] == words[-1]
            assert [each["param"] for each in told.get("invalidParams", [])] == list(words[:-1])

    run(main())


def test_what_changes_is_heard_with_the_devices_that_changed():
    async def main():
        async with gateway() as g, Page(g) as page, Ue(g, UES[0]) as ue:
            await ue.register()
            job = sent_update(g, UES)
            async with page.live(after=g.history.at) as frames:
                update_goes_on(g, job, UES[2], "loading", have=4096)
                update_goes_on(g, job, UES[2], "loading", have=8192)
                update_goes_on(g, job, UES[3], "confirmed")
                # A change that is of no update: of what is said then nothing is about one.
                assert await ue.code(ue.own("DEREG")) == "2.04"
                found = []
                async for event, data, _ in frames:
                    if event == "update":
                        found.append(data)
                    if event == "event" and data["event"] == "deregistered":
                        break
            assert len(found) == 1
            (update,) = found
            items = update.pop("items")
            assert update == JOB | {"counts": {"waiting": 5, "loading": 1, "confirmed": 1}}
            loading = {"ue": UES[2], "state": "loading", "have": 8192, "changed": 1796050010.5}
            confirmed = {"ue": UES[3], "state": "confirmed", "changed": 1796050010.5}
            assert items == [waits("") | loading, waits("") | confirmed]
            # The job by itself, and one that is not kept any more.
            async with page.live(after=g.history.at) as frames:
                with g.store.transaction():
                    g.store.set_update_state(job, PAUSED, "2 devices failed")
                g.events.emit("update-job", job=99, state="done")
                g.events.emit("update-job", job=job, state=PAUSED)
                async for event, said, _ in frames:
                    if event == "update":
                        assert (said["job"], said["state"], said["items"]) == (job, "paused", [])
                        break

    run(main())


def test_prometheus_sees_how_far_they_are():
    async def main():
        async with gateway() as g:
            families = samples(await read(g))
            assert families["msgin5g_update_devices", "rolled-back"] == 0
            assert families["msgin5g_updates", "running"] == 0
            job = sent_update(g, UES)
            update_goes_on(g, job, UES[2], "rolled-back", "start: 3 starts failed")
            families = samples(await read(g))
            assert families["msgin5g_update_devices", "rolled-back"] == 1
            assert families["msgin5g_update_devices", "waiting"] == 6
            assert families["msgin5g_updates", "running"] == 1
            with g.store.transaction():
                g.store.set_update_state(job, DONE)
            families = samples(await read(g))
            assert families["msgin5g_updates", "done"] == 1
            assert families["msgin5g_update_devices", "rolled-back"] == 0
            assert len([name for name in families if name[0] == "msgin5g_update_devices"]) == 9

    run(main())
