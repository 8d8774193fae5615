# SPDX-License-Identifier: MIT
"""Any step of a Gateway UE raises, in turn: whoever was answered that its request is held hears what became of it, and
nothing is stuck for ever."""

import importlib
import inspect
import json
import pkgutil
import types

import pytest

import tools.gateway.function
import tools.store.gateway
from host_tests.gateway.function.function_bench import FunctionBench, own
from host_tests.gateway.scripted import SERVICE
from tools.gateway.function.asks import Ask
from tools.wire.answers import Answer, Request
from tools.wire.identity import Peer

UES = ["ue:s%d@example.org" % number for number in range(4)]
PATH = ("su-uc", "v1", "val-services", SERVICE, "ue-configurations")
# What isolates is not what is isolated; and a driver asks for a deadline again.
NO_STEPS = {"GatewayFunction", "end", "deadline", "when", "clock_set", "may_begin", "pause"}
STORE_NO_STEPS = {"service_deadline", "way_deadline", "held_deadline", "fetch_deadline"}


class Injected(Exception):
    pass


class Faults:
    """While it is `watching`, each call of a step is counted in `met`, and the call `at` raises."""

    def __init__(self, monkeypatch):
        self.watching, self.count, self.at, self.met = False, 0, None, {}
        for room in (tools.gateway.function, tools.store.gateway):
            for _, name, _ in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
                module = importlib.import_module(name)
                for value in vars(module).values():
                    own_class = inspect.isclass(value) and value.__module__ == name
                    if own_class and value.__name__ not in NO_STEPS and "apptables" not in name:
                        self._wrap(monkeypatch, value)

    def _wrap(self, monkeypatch, owner):
        for name, method in list(vars(owner).items()):
            if isinstance(method, types.FunctionType) and name[:2] != "__":
                if name not in NO_STEPS | STORE_NO_STEPS:
                    monkeypatch.setattr(owner, name, self._step(owner.__name__ + "." + name, method))

    def _step(self, name, method):
        def step(*arguments, **named):
            if self.watching:
                self.count += 1
                self.met.setdefault(name, self.count)
                if self.count == self.at:
                    raise Injected(name)
            return method(*arguments, **named)

        return step


class Driver(FunctionBench):
    """Devices that ask again where something went wrong, a server that does all, and both are quick."""

    def __init__(self):
        super().__init__(bulk_configuration="registered", bulk_max=3, retry_min=1, retry_max=4)
        self.heard, self.promised = [], []
        self.escaped = []

    def peer(self, ue):
        return Peer("192.0.2.1", 40000 + UES.index(ue))

    def insist(self, ue, request):
        for _ in range(4):
            answer = self.request(self.peer(ue), request)
            if answer is None or answer.code != "5.00":
                break
        else:
            raise AssertionError("5.00 for ever")
        if answer is None:
            done = {"oriAddr": {"oriAddrType": "UE", "addr": ue}, "result": True, "regExpTime": 3000}
            try:
                with self.store.transaction():
                    self.function.forwarded(self.peer(ue), request, Answer("2.04", done), self.now)
            except Injected as error:
                self.escaped.append(str(error))  # what was to be noted is learnt from the next one
        return answer

    def post(self, kind, ue, **members):
        octets = json.dumps(own(kind, ue, **members)).encode()
        answer = self.insist(ue, Request("POST", ("msgin5g",), payload=octets, content_format=50))
        if answer is not None and answer.body and "expectedTime" in answer.body:
            self.promised.append((ue, kind + "RESP"))

    def get(self, ue):
        query = ("ue-uri=urn:" + ue,)
        answer = self.insist(ue, Request("GET", PATH, query, accept=50, back=ue))
        if answer is not None and answer.body:
            self.promised.append((ue, "UE configuration"))

    def settle(self, rounds):
        for _ in range(rounds):
            for each in self.work(1):
                self._serve(each) if isinstance(each, Ask) else self._take(each)

    def _serve(self, ask):
        body = json.loads(ask.request.payload)
        if "ueIds" in body:
            facts = {"serverAddr": "coap://192.0.2.1"}
            entries = [{"ueId": each, "ueServiceId": each[4:]} | facts for each in body["ueIds"]]
            self.answer(ask, "2.05", {"confList": entries})
        else:
            self.take_all(ask)

    def _take(self, push):
        self.heard.append((push.back or push.target.id, push.kind))
        self.outcome(push)


def story(bench, watch):
    for ue in UES:
        bench.post("GWREG", ue, oriUEAddr={"oriAddrType": "UE", "addr": "urn:" + ue})
    watch(True)
    bench.post("GWREG", UES[3], expiredTime=30)
    bench.post("REG", UES[3], urgentTag=True)
    for ue in UES[:3]:
        bench.post("REG", ue, urgentTag=False)
    bench.settle(3)
    for ue in UES[:3]:
        bench.get(ue)
    bench.settle(3)
    params = {"segId": "5e9", "segNumb": 1}
    bench.post("MSG", UES[0], isSegmented=True, segParams=params)
    for body in (
        {"msgType": "SEGREC", "segId": "5e9"},
        {"msgType": "MSG", "destAddr": {"destAddrType": "UE", "addr": UES[1]}},
    ):
        try:
            bench.where(body)
        except Injected as error:
            bench.escaped.append(str(error))  # 5.00: the server sends it again
    for ue in UES[:2]:
        bench.post("DEREG", ue, urgentTag=False, reqExpTime=8)
    bench.settle(40)
    watch(False)
    bench.settle(400)  # longer than anything is held


def check(bench, step):
    missing = [each for each in bench.promised if each not in bench.heard]
    # Of a configuration whose time ran out nothing is sent: its UE asks again, and that goes on by itself.
    assert [each for each in missing if each[1] != "UE configuration"] == [], (step, missing)
    assert bench.store.holds() == [] and bench.store.owing() == [], step
    assert bench.function._asks._out == {} and bench.function._core.turns._busy == {}, step
    allowed = ("Ways.", "Core.", "WayTables.", "ServiceTables.")
    assert all(each.startswith(allowed) for each in bench.escaped), (step, bench.escaped)


@pytest.fixture
def faults(monkeypatch):
    return Faults(monkeypatch)


def test_the_story_without_faults(faults):
    bench = Driver()
    story(bench, lambda on: setattr(faults, "watching", on))
    check(bench, "none")
    assert len(bench.promised) == 8 and not bench.events("quarantined") and not bench.events("error")
    assert bench.events("gateway-expired")


def test_any_step_raises_once(faults):
    bench = Driver()
    story(bench, lambda on: setattr(faults, "watching", on))
    first = dict(faults.met)
    assert len(first) > 60
    met = {step.partition(".")[0] for step in first}
    assert met >= {
        "Service",
        "Holding",
        "Bulk",
        "FanOut",
        "Configuration",
        "Ways",
        "Vouching",
        "Asks",
        "Core",
    }
    assert met >= {"ServiceTables", "HeldTables", "FetchTables", "WayTables"}
    for step, number in first.items():
        faults.count, faults.at = 0, number
        bench = Driver()
        story(bench, lambda on: setattr(faults, "watching", on))
        check(bench, step)
        assert bench.events("quarantined") or bench.events("error") or bench.escaped, step
