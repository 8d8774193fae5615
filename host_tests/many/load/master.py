# SPDX-License-Identifier: MIT
"""The master of the load: gives each worker its share of the devices, begins, ends, and makes one result of theirs."""

import collections
import secrets
import time

import gevent
from locust import User, task
from locust.env import Environment
from locust.html import get_html_report

from host_tests.many.load.device import name
from host_tests.many.load.ledger import TIMES
from tools.errors import UsageError
from tools.gateway import keys as key_files

SCHEMA = 1
LIVING = 60  # s for workers to come, and for their Application Servers to be registered
MUST_BE_0 = ("lost", "reports_lost", "doubled")


class Ue(User):
    """What the workers have under this name."""

    @task
    def live(self):
        raise NotImplementedError("a master has no devices")


class Master:
    """`plan`: the choices of a run, which all workers get. `look()` raises UsageError where a worker of this machine
    has ended."""

    def __init__(self, plan, listen, page, look):
        self._plan, self._look = plan, look
        self._environment = Environment(user_classes=[Ue])
        try:
            self._runner = self._environment.create_master_runner(*listen)
        except Exception as error:
            raise UsageError("load: cannot listen for workers at %s:%d: %s" % (*listen, error)) from None
        self._said = collections.defaultdict(dict)  # kind: {worker: data}
        for kind in ("ready", "drained", "trouble"):
            self._runner.register_message(kind, self._hear)
        if page is not None:
            self._environment.create_web_ui(*page)

    def _hear(self, environment, msg, **_):
        self._said[msg.type][msg.node_id] = msg.data

    def run(self, workers, store, say):
        """The result, as `load.json` has it."""
        self._until(lambda: len(self._runner.clients.ready) >= workers, LIVING, "%d workers" % workers)
        ids = [each.id for each in self._runner.clients.ready][:workers]
        self._share(ids, store)
        self._until(
            lambda: len(self._said["ready"]) == workers, LIVING, "the Application Servers of all workers"
        )
        plan = self._plan
        say("%d devices at %d workers, for %g s" % (plan["devices"], workers, plan["seconds"]))
        self._runner.start(plan["devices"], spawn_rate=plan["rate"])
        began = time.monotonic()
        self._pause(plan["devices"] / plan["rate"] + plan["seconds"])
        took = time.monotonic() - began
        self._runner.send_message("drain", {"seconds": plan["patience"]})
        say("no more is sent; what is under way has %g s" % plan["patience"])
        self._until(lambda: len(self._said["drained"]) == workers, plan["patience"] + LIVING, "an end")
        return self._result(workers, took)

    def page(self):
        """locust's own page of the run, as it stays."""
        return get_html_report(self._environment, show_download_link=False)

    def quit(self):
        self._runner.quit()
        if self._environment.web_ui is not None:
            self._environment.web_ui.stop()

    def _share(self, ids, store):
        run = secrets.token_hex(3)
        sections = _sections(self._plan["devices"], store)
        for number, id_ in enumerate(ids):
            servers = ["as:load-%s-%d-%d" % (run, number, each) for each in range(self._plan["servers"])]
            devices = [[each, sections[each]] for each in range(number, len(sections), len(ids))]
            # locust spreads its users evenly, and does not say who gets one more.
            share = {"plan": self._plan, "devices": devices, "servers": _tokens(servers, store)}
            self._runner.send_message("share", share, id_)

    def _until(self, holds, seconds, what):
        end = time.monotonic() + seconds
        while not holds():
            self._pause(0.1)
            if time.monotonic() > end:
                raise UsageError("load: not within %d s: %s" % (seconds, what))

    def _pause(self, seconds):
        end = time.monotonic() + seconds
        while True:
            self._look()
            for trouble in self._said["trouble"].values():
                raise UsageError("load: " + trouble["says"])
            left = end - time.monotonic()
            if left <= 0:
                return
            gevent.sleep(min(left, 0.5))

    def _result(self, workers, took):
        counts, refused = collections.Counter(), collections.Counter()
        for each in self._said["drained"].values():
            counts.update(each["counts"])
            refused.update(each["refused"])
        plan = self._plan
        return {
            "schema": SCHEMA,
            **{key: plan[key] for key in ("coap", "http", "security", "network", "seed", "devices", "every")},
            "windows_percent": plan["windows"],
            "workers": workers,
            "seconds": round(took, 1),
            "registered": counts["registered"],
            "messages": {each: counts[each] for each in MESSAGES},
            "accepted_a_second": round(counts["accepted"] / took, 1),
            "refused_by_cause": dict(refused.most_common()),
            **{each: counts[each] for each in MUST_BE_0},
            "latency_ms": {each: self._latency(each) for each in TIMES},
            "datagrams": {
                "sent": counts["datagrams"],
                **{each: counts[each] for each in NETWORK},
            },
        }

    def _latency(self, what):
        entry = self._environment.stats.get(what, "load")
        if not entry.num_requests:
            return None
        found = {"count": entry.num_requests, "max": round(entry.max_response_time)}
        for share in (50, 95, 99):
            found["p%d" % share] = entry.get_response_time_percentile(share / 100)
        return found


NETWORK = ("lost_by_network", "slept_through", "unheard")
MESSAGES = ("sent", "accepted", "came", "reported", "refused", "failed", "unanswered", "put_off")


def _sections(count, store):
    """A section `security` for each device; with a store new keys, which it has then, too."""
    if store is None:
        return [{"mode": "none"}] * count
    made = key_files.new_sections(store.kids_in_use())
    sections = [next(made) for _ in range(count)]
    with store.transaction():
        for number, section in enumerate(sections):
            key_files.add(store, name(number), key_files.of_section("", section), "")
    return sections


def _tokens(servers, store):
    """{AS Service ID: its token}, None where the server asks for none."""
    if store is None or not store.has_tokens():
        return dict.fromkeys(servers)
    with store.transaction():
        return {each: store.add_token(each)[0] for each in servers}
