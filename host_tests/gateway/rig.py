# SPDX-License-Identifier: MIT
"""A whole gateway but for its sockets, in virtual time: devices and an Application Server that behave, and any step of
the gateway made to raise.

`Faults` finds the steps by itself: it wraps every function and method of the gateway's decisions and tables.
"""

import contextlib
import functools
import importlib
import inspect
import itertools
import json
import pkgutil
import re
import sys
import types
import uuid

import tools.server
import tools.store
import tools.wire
from host_tests.gateway.scripted import SERVICE
from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.server.callers import Caller
from tools.server.delivery.pushes import DONE, LATER, Outcome
from tools.server.settings import Settings
from tools.server.unrecorded import Unrecorded
from tools.wire.answers import Refusal, Request
from tools.wire.identity import Peer

# No part of what is decided about a message: what isolates, the clock, keys and the file itself, the sides of HTTP and
# of MSGin5G-5.
NO_DECISIONS = {
    *("server.isolation", "server.unrecorded", "server.clock", "server.callers", "server.hosts"),
    *(
        "store.engine.transactions",
        "store.engine.deadlines",
        "store.engine.noticing",
        "store.faults",
        "store.opening",
    ),
    *(
        "store.sqlite.connection",
        "store.sqlite.storefile",
        "store.sqlite.generation",
        "store.sqlite.noticing",
    ),
    *("store.clocktables", "store.keys.moved", "store.keys.numbers", "store.keys.sectables"),
    *(
        "store.engine.copying",
        "store.engine.copying.catalogue",
        "store.engine.copying.copy",
        "store.engine.copying.program",
    ),
    *("store.server.tokentables", "wire.l3", "wire.masking"),
}
MODULES = [
    importlib.import_module(name)
    for room in (tools.server, tools.store, tools.wire)
    for _, name, _ in pkgutil.walk_packages(room.__path__, room.__name__ + ".")
    if name.removeprefix("tools.") not in NO_DECISIONS and not name.startswith("tools.store.postgres")
]
ROOMS = re.compile("/tools/(gateway|page|server|store|transport|wire)/")
# What isolates is not what is isolated; and how a store is opened is no step of the work.
NO_STEPS = {
    "_prepare",
    "_make_tables",
    "close",
    "wait_for_nobody",
    "prepare",
    "record",
    "_registration",  # as that: an error there is of the row
    "open_generation",
    "close_generation",
}


class Injected(Exception):
    pass


def at_once(coroutine):
    """The result of a coroutine that waits for nothing: without an event loop, an event is over when it is added."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("it waits")


class Faults:
    """While it is `watching`, each call of a step is counted, and `raises(step)` says whether it raises."""

    def __init__(self):
        self.watching = False
        self.raises = lambda name, arguments: False
        self._undo = []
        wrapped = {}
        for module in MODULES:
            for name, value in vars(module).items():
                if isinstance(value, types.FunctionType) and value.__module__ in _NAMES:
                    if name not in NO_STEPS:
                        wrapped.setdefault(value, self._wrap(value, module.__name__ + "." + name))
                        self._set(module, name, wrapped[value])
                elif inspect.isclass(value) and value.__module__ == module.__name__ and _has_steps(value):
                    for inner, method in list(vars(value).items()):
                        plain = isinstance(method, types.FunctionType)
                        if plain and not inner.startswith("__") and inner not in NO_STEPS:
                            self._set(value, inner, self._wrap(method, value.__name__ + "." + inner))

    def _set(self, owner, name, value):
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def _wrap(self, function, name):
        def step(*arguments, **named):
            if self.watching and self.raises(name, arguments):
                raise Injected(name)
            return function(*arguments, **named)

        step.__name__ = function.__name__
        return step

    def undo(self):
        for owner, name, value in reversed(self._undo):
            setattr(owner, name, value)


_NAMES = {module.__name__ for module in MODULES}


def _told(documents, ue_ids):
    return json.loads(documents[0]["ueConfigs"][0]["configData"]) | {"ueId": ue_ids[0]}


def _has_steps(value):
    return not issubclass(value, BaseException | tuple) and not hasattr(value, "__dataclass_fields__")


def place():
    """The steps that are on the stack, the innermost first: what makes one call another step than the next."""
    frame, names = sys._getframe(2), []
    while frame and len(names) < 1:
        code = frame.f_code
        if ROOMS.search(code.co_filename) and not code.co_name.startswith("<"):
            names.append(code.co_name)
        frame = frame.f_back
    return tuple(names)


class Rig:
    """`send(name, body)` is a device's request, repeated as devices do; `settle()` lets all be done that is due."""

    BEGIN = 1_000_000.0

    def clock(self):
        """What the gateway gets; a new one at each start."""
        return lambda: self.now

    def __init__(self, store=":memory:", **settings):
        self.now = self.BEGIN
        self.heard = {}  # who: [(from, msgId, payload)], in order, of whole messages
        self.reports = {}  # who: [(kind, msgId, status)]
        self.accepted = []  # (from, to, msgId) of messages that were answered 2.04
        self.codes = []
        self.escaped = []
        self._parts = {}
        self._timers = []
        self.silent = set()  # devices that do not answer
        self.asked = []  # what the network was asked: Pushes
        self.tries = 0  # of recording outcomes that could not be recorded
        self._ids = itertools.count(1)
        self.path = store
        self.settings = Settings(
            open=True, retry_min=1, retry_max=4, segment_gap=2, assign="example.org", **settings
        )
        self.peers = {}
        self.start()

    def start(self):
        options = Options(self.settings, store=self.path)
        clock = self.clock()
        self.gateway = Gateway(options, Events(clock=clock), clock=clock)
        self.version = None  # of the store, when it was last looked at
        self.told = []
        self.gateway.events.callbacks.append(self.told.append)
        self.gateway.unrecorded = Unrecorded(self.gateway._record, self._later)
        self.at_start()
        with contextlib.suppress(Refusal):
            self.gateway._start()

    def at_start(self):
        """Before the first thing that it does."""

    def _later(self, seconds, function):
        self._timers.append((self.now + seconds, function))
        return self._timers[-1]

    def events(self, name):
        return [record for record in self.told if record["event"] == name]

    def new_id(self):
        return str(uuid.UUID(int=next(self._ids), version=4))

    # ---- what others do ----------------------------------------------------------------------------------------------

    def ask(self, name, body):
        """One request of a device, by itself."""
        peer = self.peers.setdefault(name, Peer("192.0.2.%d" % (len(self.peers) + 1), 40000))
        answer = at_once(self.gateway._request(peer, 50, json.dumps(body).encode()))
        self.codes.append(answer.code)
        return answer

    def send(self, name, body):
        for _ in range(4):
            answer = self.ask(name, body)
            if answer.code not in ("5.00", "5.03"):
                break
            self.now += 1
        if body["msgType"] == "MSG" and answer.code == "2.04":
            self.accepted.append((name, body["destAddr"]["addr"], body["msgId"]))
        return answer

    def own(self, name, kind, **members):
        head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": name}}
        return head | members

    def register(self, name, **members):
        return self.send(name, self.own(name, "REG", **members))

    def bulk(self, gateway, kind, names):
        """Registers ("REG") or de-registers ("DEREG") UEs behind a gateway; those that it says no for again."""
        count, listed, bulk = {
            "REG": ("totalRegCount", "regList", "BREG"),
            "DEREG": ("totalDeregCount", "deregList", "DEREG"),
        }[kind]
        for name in names:
            self.peers[name] = self.peers[gateway]
        for _ in range(4):
            elements = [self.own(name, kind) for name in names]
            answer = self.send(gateway, self.own(gateway, bulk, **{count: len(names), listed: elements}))
            if answer.code == "2.04":
                names = [n for n, one in zip(names, answer.body[listed], strict=True) if not one["result"]]
            if not names:
                break
            self.now += 1

    def msg(self, from_, to, text="hi", kind="UE", **members):
        head = {"destAddr": {"destAddrType": kind, "addr": to}, "msgId": self.new_id(), "sfFlag": False}
        return self.own(from_, "MSG", **(head | {"payload": text} | members))

    def subscribe(self, name, topic):
        body = json.dumps(self.own(name, "")).encode()
        for _ in range(4):
            answer = at_once(self.gateway._topic(self.peers[name], topic, 0, 50, body))
            if answer.code == "2.05":
                return
            self.now += 1

    def configure(self, name, ue_ids):
        """Asks for the configuration of a UE ID, or of several at once; {UE ID: UE Service ID}, each asked for again
        that was told no."""
        path, found = ("su-uc", "v1", "val-services", SERVICE, "ue-configurations"), {}
        for _ in range(4):
            asked = [ue_id for ue_id in ue_ids if ue_id not in found]
            if not asked:
                break
            body = {"bulkFlag": True, "ueIds": asked} if len(ue_ids) > 1 else {"ueId": asked[0]}
            request = Request("GET", path, payload=json.dumps(body).encode(), local="192.0.2.100")
            answer = at_once(self.gateway._configure(self.peers[name], request))
            if answer.code == "2.05":
                said = json.loads(answer.octets)
                for each in said["confList"] if len(ue_ids) > 1 else [_told(said, asked)]:
                    if "cause" not in each:
                        found[each["ueId"]] = each["ueServiceId"]
            self.now += 1
        return found

    def group(self, name, id_, members):
        """Makes a group, which is asked for again where it was refused for now."""
        details = [{"memberId": ue, "membershipType": "IMPLICIT"} for ue in members]
        body = {"valGroupId": id_, "category": "NORMAL", "memberDetails": details}
        path = ("su-gm", "v1", "group-documents")
        request = Request("POST", path, payload=json.dumps(body).encode(), content_format=50)
        for _ in range(4):
            answer = at_once(self.gateway._manage(self.peers[name], request))
            if answer.code in ("2.01", "4.09"):
                return
            assert answer.code in ("5.00", "5.03"), answer
            self.now += 1
        raise AssertionError("no group")

    def http(self, function, body):
        """A request of an Application Server, repeated while it is refused for now."""
        for _ in range(4):
            try:
                return self.gateway._event(function, body).outcome()
            except Refusal as refusal:
                assert refusal.answer.code in ("5.00", "5.03")
                self.now += 1
        return None

    def report(self, kind, **body):
        """The network tells of all that it was asked for of this kind ("monitoring" or "trigger")."""
        for push in [each for each in self.asked if each.kind == kind and each.body]:
            path, _, token = push.body["notificationDestination"].rpartition("/")
            decide = next(
                r.decide for r in self.gateway.server.routes if path.endswith(r.path[: -len("/{token}")])
            )
            self.http(functools.partial(decide, caller=Caller(), token=token), body)

    def _hears(self, push):
        """A device, an Application Server or a gateway gets a body, takes it, and answers as the standard says."""
        body, who = push.body, push.target.id
        if push.target.type == "AS" or push.way is not None:
            if "delivSt" in body:
                self.reports.setdefault(who, []).append(("IMDN", body["msgId"], body["delivSt"]))
            else:
                self._whole(who, body["oriAddr"]["addr"], body["msgId"], body.get("payload"))
            return None
        kind = body["msgType"]
        if kind in ("IMDN", "MSGRESP"):
            for each in body.get("msgList", [body]):
                self.reports.setdefault(who, []).append((kind, each["msgId"], each["DelSta"]))
        elif kind == "MSG" and "segParams" in body:
            return self._segment(who, body)
        elif kind == "MSG":
            for each in body.get("msgList", [body]):
                self._whole(who, body["oriAddr"]["addr"], each["msgId"], each.get("payload"))
            if body.get("isDelivStatReq") and body["oriAddr"]["oriAddrType"] == "UE":
                origin = {"destAddrType": "UE", "addr": body["oriAddr"]["addr"]}
                return self.own(who, "IMDN", destAddr=origin, msgId=body["msgId"], DelSta="success")
        return None

    def _segment(self, who, body):
        params = body["segParams"]
        parts = self._parts.setdefault((who, params["segId"]), {})
        if parts is not True:
            parts[params["segNumb"]] = body["payload"]
            if len(parts) == params["totalSegCount"]:
                whole = "".join(parts[number] for number in sorted(parts))
                self._whole(who, body["oriAddr"]["addr"], body["msgId"], whole)
                self._parts[who, params["segId"]] = parts = True
        if parts is True:
            return {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": params["segId"], "result": True}
        return None

    def _whole(self, who, from_, msg_id, text):
        self.heard.setdefault(who, []).append((from_, msg_id, text))

    # ---- time --------------------------------------------------------------------------------------------------------

    def pump(self):
        """One round of work, as the loop does it; the Pushes that it began."""
        due = [timer for timer in self._timers if timer[0] <= self.now]
        for timer in due:
            self.tries += 1
            self._timers.remove(timer)
            at_once(timer[1]())
        self.gateway._keep_time()
        pushes = self.pushes()
        with contextlib.suppress(Injected):  # `_pump` looks again a second later
            self.gateway.server.deadline(self.now)
        for push in pushes:
            self.takes(push)
        return pushes

    def takes(self, push):
        """Its recipient takes it, and answers."""
        if push.method:  # to the network
            self.asked.append(push)
            made = Outcome(DONE, "201 Created", location="http://192.0.2.50/made/%d" % len(self.asked))
            at_once(self.gateway.unrecorded.add(push, made))
            return
        if push.target.id in self.silent:
            at_once(self.gateway.unrecorded.add(push, Outcome(LATER, "no answer", answered=False)))
            return
        answer = self._hears(push)
        at_once(self.gateway.unrecorded.add(push, Outcome.of_coap("2.04")))
        if answer:
            self.send(push.target.id, answer)

    def pushes(self):
        """What a round of work begins, not answered yet."""
        try:
            if not self.gateway._started:
                self.gateway._start()
            if self.version != (version := self.gateway._version()):
                with contextlib.suppress(Injected):  # then with the next one
                    self.gateway.server.changed()
                    self.version = version
            return self.gateway._run(self.gateway.server.work, now=self.now)
        except Refusal:
            return []

    def settle(self, rounds=40):
        """Until nothing comes any more for longer than any pause."""
        quiet = 0
        for _ in range(rounds):
            quiet = 0 if self.pump() else quiet + 1
            if quiet > 3 and not self._timers:  # 8 s: longer than the longest pause
                break
            self.now += 2

    def waiting(self):
        """(state, how many) of what is in the store."""
        rows = self.gateway.store._db.execute(
            "SELECT state, count(*) FROM message GROUP BY state ORDER BY state"
        )
        return rows.fetchall()
