# SPDX-License-Identifier: MIT
"""A worker of the load: it is given its share of the devices by the master, has Application Servers of its own that
those send to, and tells the master at the end what became of all messages.

Messages begin and end at one worker: no clock is compared with that of another machine.
"""

import collections
import gc
import json
import subprocess
import sys
import time

import gevent
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from host_tests.many.load.device import ROOT, Device
from host_tests.many.load.ledger import Ledger

SILENT = 2  # s without a word of the Application Servers, after which no more of them is to be expected


class Ue(User):
    """One device: for locust a user whose one task is its whole life."""

    worker = None

    @task
    def live(self):
        self.worker.live()
        raise StopUser


class Worker:
    def __init__(self, host, port):
        self._environment = environment = Environment(user_classes=[Ue])
        self._runner = environment.create_worker_runner(host, port)
        for kind, listener in {"share": self._take, "drain": self._drain}.items():
            self._runner.register_message(kind, listener, concurrent=True)
        self._ledger = Ledger(self._time)
        self._draining = self._end = None
        self._living = 0
        self._left = collections.deque()
        self._servers = None
        Ue.worker = self

    def wait(self):
        """Until the master says that it is over, or is gone."""
        try:
            self._runner.greenlet.join()
        finally:
            if self._servers is not None:
                self._servers.stdin.close()
                self._servers.wait()

    def _time(self, what, seconds):
        self._environment.events.request.fire(
            request_type="load",
            name=what,
            response_time=seconds * 1000,
            response_length=self._plan["octets"],
            exception=None,
            context={},
        )

    # ---- what the master says ----------------------------------------------------------------------------------------

    def _take(self, environment, msg, **_):
        self._plan = plan = msg.data["plan"]
        self._left.extend(msg.data["devices"])
        plan["servers"] = list(msg.data["servers"])
        self._servers = subprocess.Popen(
            [sys.executable, "-m", "host_tests.many.load.servers"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._servers.stdin.write(json.dumps({"http": plan["http"], "servers": msg.data["servers"]}) + "\n")
        gevent.spawn(self._follow)

    def _follow(self):
        """What the Application Servers tell."""
        repeated = 0
        for line in self._servers.stdout:
            kind, *more = json.loads(line)
            if kind == "message":
                self._ledger.came(*more)
            elif kind == "repeated":
                self._ledger.counts["doubled"] += more[0] - repeated
                repeated = more[0]
            else:
                self._runner.send_message(kind, {"says": more[0] if more else None})
        if self._end is None:
            self._runner.send_message("trouble", {"says": "the Application Servers of a worker have ended"})

    def _drain(self, environment, msg, **_):
        """No more is sent; what is under way comes to its end, for which it has so many seconds."""
        self._draining = time.monotonic()
        until = self._draining + msg.data["seconds"]
        while time.monotonic() < until and (self._living or self._ledger.open):
            gevent.sleep(0.2)
        gevent.sleep(SILENT)  # for what may come once more
        self._end = time.monotonic()
        while self._living:
            gevent.sleep(0.1)
        self._runner._send_stats()
        self._runner.send_message("drained", self._ledger.close())

    # ---- one device --------------------------------------------------------------------------------------------------

    def live(self):
        number, keys = self._left.popleft()
        self._living += 1
        try:
            Device(number, keys, self._plan, self._ledger).run(
                lambda: self._draining is not None, lambda: self._end is not None
            )
        except Exception as error:
            self._runner.send_message("trouble", {"says": "device %d: %r" % (number, error)})
            raise
        finally:
            self._living -= 1


def main(host, port):
    import coap.compat

    # What a device does for its small heap is no matter of this machine.
    gc.collect = lambda *_: 0
    coap.compat.unload = lambda whole: None
    try:
        worker = Worker(host, port)
    except Exception as error:
        sys.exit("load: no master at %s:%d: %s" % (host, port, error))
    worker.wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
