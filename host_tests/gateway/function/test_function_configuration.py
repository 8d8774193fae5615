# SPDX-License-Identifier: MIT
"""Requests for configurations that a Gateway UE holds, in virtual time: when the server is asked, what each answer
means, and what the UEs get, when and how often."""

import json
from dataclasses import replace

import pytest

from host_tests.gateway.function.function_bench import GW, HERE, THERE, FunctionBench, own
from host_tests.gateway.scripted import SERVICE
from tools.gateway import keys as key_files
from tools.gateway.function.function import GatewayFunction
from tools.transport.security import ContextBinding
from tools.wire.answers import Answer, Request
from tools.wire.identity import Peer, peer_at

PATH = ("su-uc", "v1", "val-services", SERVICE, "ue-configurations")


def imei(number):
    return "urn:imei:%015d" % number


def ue(number):
    return "ue:s%03d@example.org" % number


def at(number):
    return Peer("192.0.2.9", 50000 + number)


def get(number, back="token", **fields):
    query = ("ue-uri=" + imei(number),)
    return replace(Request("GET", PATH, query, accept=50, back=back), **fields)


def bench_of(count, path=":memory:", whose="registered", **settings):
    """UEs that are registered to the gateway service with their UE IDs."""
    bench = FunctionBench(path, bulk_configuration=whose, **settings)
    for number in range(count):
        id_ = {"oriUEAddr": {"oriAddrType": "UE", "addr": imei(number)}}
        assert bench.ask(at(number), own("GWREG", ue(number), **id_)).body["result"] is True
    return bench


def hold(bench, *numbers):
    for number in numbers:
        answer = bench.request(at(number), get(number, back="token %d" % number))
        assert (answer.code, answer.body) == ("2.05", {"maxConfTime": 30})


def entry(number, **members):
    found = {"ueId": imei(number), "ueServiceId": ue(number), "serverAddr": "coap://192.0.2.1"}
    return found | members


def answer(bench, ask, *entries):
    bench.answer(ask, "2.05", {"confList": list(entries)})


def asked_for(ask):
    return json.loads(ask.request.payload)["ueIds"]


def told(push):
    """(Token, code, the configuration or diagnostic) of a push."""
    if push.answer.code != "2.05":
        return push.back, push.answer.code, push.answer.diagnostic
    (document,) = json.loads(push.answer.octets)
    (each,) = document["ueConfigs"]
    return push.back, push.answer.code, json.loads(each["configData"])


# ---- held ------------------------------------------------------------------------------------------------------------


def test_it_is_off_unless_it_is_wanted():
    bench = FunctionBench()
    bench.ask(at(0), own("GWREG", ue(0)))
    assert bench.request(at(0), get(0)) is None


@pytest.mark.parametrize(
    "request_",
    [
        get(5),  # not registered to the gateway service
        get(0, back=""),  # nothing leads back to it
        get(0, accept=60),
        get(0, observe=0),
        get(0, path=(*PATH, "3f2a")),
        get(0, code="FETCH", payload=b'{"ueId":"%s"}' % imei(0).encode(), content_format=50),
    ],
)
def test_what_cannot_be_held_goes_on(request_):
    assert bench_of(1).request(at(5), request_) is None


@pytest.mark.parametrize("query", ["ue-vendor=acme", "ue-type=35209900"])
def test_what_a_list_of_ue_ids_cannot_say_goes_on(query):
    """A configuration may be for one vendor or type only, and a bulk request has only UE IDs (clause 6.2.3.3)."""
    bench = bench_of(1)
    assert bench.request(at(0), get(0, query=("ue-uri=" + imei(0), query))) is None
    hold(bench, 0)


def test_a_ue_is_known_by_its_ue_id_or_by_where_it_registered_from():
    bench = bench_of(0)
    bench.ask(HERE, own("GWREG", ue(1)))
    assert bench.request(THERE, get(1)) is None
    assert bench.request(HERE, get(1)).body == {"maxConfTime": 30}
    bench.now += 3600
    assert bench.request(HERE, get(1)) is None


def test_the_server_is_asked_two_seconds_before_the_first_time_is_over():
    bench = bench_of(3)
    hold(bench, 0)
    assert bench.asks(10) == []
    hold(bench, 1, 2)
    assert bench.function.deadline(bench.now) == bench.now + 18
    assert bench.asks(17.9) == []
    ask = bench.one_ask(0.1)
    assert (ask.request.code, ask.request.path, ask.request.content_format) == ("GET", PATH, 50)
    assert json.loads(ask.request.payload) == {"bulkFlag": True, "ueIds": [imei(0), imei(1), imei(2)]}
    assert ask.peers == (at(0), at(1), at(2))


def test_enough_of_them_go_at_once():
    bench = bench_of(16)
    hold(bench, *range(15))
    assert bench.asks() == []
    hold(bench, 15)
    assert asked_for(bench.one_ask()) == [imei(number) for number in range(16)]


def test_lists_fit_a_datagram():
    bench = bench_of(120)
    hold(bench, *range(120))
    asks = bench.asks()
    assert sum((asked_for(ask) for ask in asks), []) == [imei(number) for number in range(120)]
    assert all(
        len(ask.request.payload) + sum(len(each) + 2 for each in PATH) <= bench.settings.room for ask in asks
    )
    assert len(asks) <= 4


# ---- what comes for them ---------------------------------------------------------------------------------------------


def held(*numbers, **more):
    bench = bench_of(max(numbers) + 1, **more)
    hold(bench, *numbers)
    return bench, bench.one_ask(28)


def test_each_ue_gets_its_own_as_one_more_response():
    bench, ask = held(0, 1, 2)
    answer(bench, ask, entry(2, segSize=512), entry(0), {"ueId": imei(1), "cause": "not known here"})
    pushes = bench.pushes()
    facts = {"serverAddr": "coap://192.0.2.1"}
    assert {push.where: told(push) for push in pushes} == {
        at(0): ("token 0", "2.05", {"ueServiceId": ue(0)} | facts),
        at(1): ("token 1", "4.04", "not known here"),
        at(2): ("token 2", "2.05", {"ueServiceId": ue(2), "segSize": 512} | facts),
    }
    for push in pushes:
        bench.outcome(push, "2.05")
    assert bench.work(3600) == []
    assert len(bench.events("responded")) == 3


def test_the_body_is_that_of_a_single_answer():
    bench, ask = held(0)
    answer(bench, ask, entry(0))
    (push,) = bench.pushes()
    (document,) = json.loads(push.answer.octets)
    assert document["valServiceId"] == SERVICE
    assert (document["valServiceDomain"], document["valUeIds"]) == ("example.org", {"uris": [imei(0)]})
    assert document["ueConfigs"][0]["configType"] == "ON_NETWORK"
    assert (push.answer.content_format, push.answer.max_age, len(push.answer.etag)) == (50, 86400, 8)


@pytest.mark.parametrize("code", [None, "RST", "5.03"])
def test_one_that_is_not_taken_answers_the_next_request_once(code):
    bench, ask = held(0)
    answer(bench, ask, entry(0))
    (push,) = bench.pushes()
    bench.outcome(push, code)
    assert bench.work(60) == []
    again = bench.request(at(0), get(0))
    assert (again.code, again.octets, again.etag) == ("2.05", push.answer.octets, push.answer.etag)
    assert bench.request(at(0), get(0)).body == {"maxConfTime": 30}


def test_what_was_not_taken_is_kept_for_ten_minutes():
    bench, ask = held(0)
    answer(bench, ask, {"ueId": imei(0), "cause": "gone"})
    bench.outcome(bench.pushes()[0], None)
    bench.work(599)
    assert bench.request(at(0), get(0)).code == "4.04"
    bench, ask = held(0)
    answer(bench, ask, entry(0))
    bench.outcome(bench.pushes()[0], None)
    bench.work(600)
    assert bench.request(at(0), get(0)).body == {"maxConfTime": 30}


def test_past_its_time_nothing_is_sent_and_its_next_request_goes_on():
    bench, ask = held(0)
    bench.work(2)
    answer(bench, ask, entry(0))
    assert bench.work() == []
    assert bench.events("held-over")[0]["ue"] == imei(0)
    assert bench.request(at(0), get(0)) is None
    assert bench.request(at(0), get(0)).body == {"maxConfTime": 30}  # only that one


def test_a_request_again_takes_the_place_of_the_earlier_one():
    bench = bench_of(1)
    hold(bench, 0)
    bench.work(20)
    bench.request(at(0), get(0, back="another"))
    ask = bench.one_ask(28)
    answer(bench, ask, entry(0))
    (push,) = bench.pushes()
    assert push.back == "another"


def test_a_request_again_while_the_server_is_asked():
    bench, ask = held(0)
    bench.request(at(0), get(0, back="another"))
    answer(bench, ask, entry(0))
    assert bench.work() == []
    ask = bench.one_ask(28)
    answer(bench, ask, entry(0))
    assert bench.pushes()[0].back == "another"


def test_nobody_else_takes_the_place_or_the_answer_of_a_ue():
    known, other = peer_at(*at(0), b"key"), peer_at(*at(0), b"other key")
    bench = FunctionBench(ue="", bulk_configuration="registered")
    id_ = {"oriUEAddr": {"oriAddrType": "UE", "addr": imei(0)}}
    bench.ask(at(0), own("GWREG", ue(0), **id_))
    bench.request(known, get(0, back="mine"))
    assert bench.request(other, get(0, back="theirs")) is None
    assert bench.request(Peer("192.0.2.66", 1), get(0, back="theirs")) is None
    ask = bench.one_ask(28)
    assert ask.peers[0].identity == b"key"
    answer(bench, ask, entry(0))
    bench.outcome(bench.pushes()[0], None)
    assert bench.request(other, get(0)) is None
    assert bench.request(known, get(0)).code == "2.05"


# ---- a server that does not answer so --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entries",
    [
        [entry(0)],
        [entry(0), None, 7, {"ueId": imei(1)}],
        [entry(0), entry(1, ueServiceId="")],
        [entry(0), entry(1, serverAddr=None)],
        [entry(0), entry(1, segSize="large")],
        [entry(0), entry(0), entry(9)],
    ],
)
def test_those_that_were_not_answered_are_asked_for_again(entries):
    bench = bench_of(2, bulk_max=2)
    hold(bench, 0, 1)
    answer(bench, bench.one_ask(), *entries)
    assert [push.where for push in bench.pushes()] == [at(0)]
    assert bench.asks(1.9) == []
    assert asked_for(bench.one_ask(0.1)) == [imei(1)]


@pytest.mark.parametrize("code", ["4.03", "5.01", "4.00", "4.04"])
def test_where_many_are_not_given_each_asks_by_itself(code):
    bench, ask = held(0, 1)
    bench.answer(ask, code)
    assert bench.work(60) == []
    assert [bench.request(at(number), get(number)) for number in (0, 1)] == [None, None]


def test_a_silent_server_is_asked_again():
    bench = bench_of(1, bulk_max=1)
    hold(bench, 0)
    waits = []
    for _ in range(3):
        bench.answer(bench.one_ask(), None)
        waits.append(bench.function.deadline(bench.now) - bench.now)
        bench.now += waits[-1]
    assert waits == [2, 4, 8]
    ask = bench.one_ask()
    answer(bench, ask, entry(0))
    assert len(bench.pushes()) == 1


@pytest.mark.parametrize("body", [None, {}, {"confList": {}}, {"confList": None}])
def test_an_answer_that_is_none_is_asked_for_again(body):
    bench = bench_of(1, bulk_max=1)
    hold(bench, 0)
    bench.answer(bench.one_ask(), "2.05", body)
    assert len(bench.asks(2)) == 1


# ---- restarts, bounds ------------------------------------------------------------------------------------------------


def test_what_was_answered_outlives_the_program(tmp_path):
    bench = bench_of(2, path=tmp_path / "gw.db")
    hold(bench, 0, 1)
    bench.restart()
    bench.one_ask(28)  # killed before the answer
    bench.restart()
    answer(bench, bench.one_ask(), entry(0), entry(1))
    assert len(bench.pushes()) == 2  # killed before they are told
    bench.restart()
    first, second = bench.pushes()
    assert {told(first)[0], told(second)[0]} == {"token 0", "token 1"}
    bench.outcome(first, "2.05")
    bench.outcome(second, None)
    bench.restart()
    assert bench.request(at(1), get(1)).code == "2.05"


def test_one_row_that_raises_does_not_stop_the_others():
    bench = bench_of(3)
    hold(bench, 0, 1, 2)
    bench.store._db.execute("UPDATE gateway_fetch SET path='{' WHERE ue_id=?", (imei(1),))
    ask = bench.one_ask(28)
    assert asked_for(ask) == [imei(0), imei(2)]
    assert bench.events("quarantined")
    answer(bench, ask, entry(0), entry(2))
    assert len(bench.pushes()) == 2
    bench.work(10)
    assert bench.request(at(1), get(1)) is None  # and then by itself


def test_no_more_are_held_than_there_may_be_ues():
    bench = FunctionBench(bulk_configuration="registered", gateway_ues=1)
    bench.ask(HERE, own("GWREG", ue(0)))
    assert bench.request(HERE, get(0)).code == "2.05"
    assert bench.request(HERE, get(1)) is None


def test_who_may_not_have_it_is_told_at_once():
    closed = FunctionBench(bulk_configuration="registered", open=False)
    closed.store.add_device(ue(0))
    closed.ask(HERE, own("GWREG", ue(0)))
    assert closed.request(HERE, get(0)).code == "4.03"
    assert closed.request(HERE, get(0, query=("ue-uri=",))).code == "4.00"
    with_key = peer_at(*HERE, b"a key of no UE ID")
    assert closed.request(with_key, get(0)).code == "4.03"


def test_only_a_gateway_asks_for_many():
    bench = bench_of(1)
    payload = json.dumps({"bulkFlag": True, "ueIds": [imei(7)]}).encode()
    for code in ("GET", "FETCH"):
        request = Request(code, PATH, payload=payload, content_format=50, back="t")
        assert bench.request(at(0), request).code == "4.03"
    assert bench.request(at(0), Request("GET", PATH, back="t")).code == "4.03"


# ---- a device that has a UE ID and its key only ----------------------------------------------------------------------


@pytest.fixture
def keyed(tmp_path):
    return keyed_bench(tmp_path)


def keyed_bench(folder, **settings):
    """A gateway with the key of a UE ID, and a Peer that proved to have it."""
    wanted = {"open": False, "bulk_configuration": "registered", "bulk_max": 1} | settings
    bench = FunctionBench(folder / "gw.db", **wanted)
    keys = key_files.of_section("here", key_files.new_section(()))
    with bench.store.transaction():
        key_files.add_ue_id(bench.store, imei(0), keys, "here")
    bench.function = GatewayFunction(
        bench.store, bench.settings, bench._emit, binding=ContextBinding(bench.store)
    )
    return bench, peer_at(*HERE, keys.digest)


def passes(bench, peer, body):
    request = get(0)
    assert bench.request(peer, request) is None
    with bench.store.transaction():
        bench.function.forwarded(peer, request, Answer("2.05", body), bench.now)


def document(data, number=0):
    return [
        {
            "valUeIds": {"uris": [imei(number)]},
            "ueConfigs": [{"configType": "ON_NETWORK", "configData": data}],
        }
    ]


@pytest.mark.parametrize(
    "data",
    [
        '{"ueServiceId":"ue:s000@example.org","serverAddr":"coap://192.0.2.1"}',
        '<a xmlns:m="urn:x"><m:MSGin5G-UE-Service-id> ue:s000@example.org </m:MSGin5G-UE-Service-id></a>',
    ],
)
def test_a_device_with_a_ue_id_only_is_known_by_what_the_server_configures_it_as(keyed, data):
    bench, peer = keyed
    assert bench.ask(peer, own("GWREG", ue(0))).body["result"] is False
    passes(bench, peer, document(data))
    assert bench.ask(peer, own("GWREG", ue(0))).body["result"] is True
    assert bench.ask(peer, own("GWREG", ue(1))).body["result"] is False
    assert bench.ask(Peer(*HERE), own("GWREG", ue(1))).body["result"] is False
    # Another UE Service ID that the server gives it, in bulk
    answered = bench.request(peer, replace(get(0), back="b"))
    assert answered.body == {"maxConfTime": 30}
    answer(bench, bench.one_ask(), entry(0, ueServiceId=ue(1)))
    assert bench.ask(peer, own("GWREG", ue(1))).body["result"] is True


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        [7],
        {"ueConfigs": 1},
        document("{"),
        document("<a>"),
        document('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        document('{"ueServiceId":7}'),
        document('{"ueServiceId":"%s"}' % GW),
        document('{"ueServiceId":"ue:s000@example.org"}', 9),
    ],
)
def test_what_the_server_does_not_say_is_not_learnt(keyed, body):
    bench, peer = keyed
    passes(bench, peer, body)
    for name in (ue(0), GW):
        assert bench.ask(peer, own("GWREG", name)).body["result"] is False


def test_another_key_takes_nobodys_ue_service_id(keyed):
    bench, peer = keyed
    keys = key_files.of_section("there", key_files.new_section(bench.store.kids_in_use()))
    with bench.store.transaction():
        key_files.add(bench.store, ue(5), keys, "there")
    passes(bench, peer, document('{"ueServiceId":"%s"}' % ue(5)))
    assert bench.ask(peer, own("GWREG", ue(5))).body["result"] is False
    assert bench.ask(peer_at(*THERE, keys.digest), own("GWREG", ue(5))).body["result"] is True
    assert bench.events("refused")


# ---- all may wait, also who is not registered to the gateway service -------------------------------------------------


def test_of_all_one_that_nobody_knows_yet_is_held():
    bench = bench_of(1, whose="all")
    hold(bench, 0, 1, 2)
    assert asked_for(bench.one_ask(28)) == [imei(0), imei(1), imei(2)]


@pytest.mark.parametrize(
    "request_",
    [
        get(5, back=""),
        get(5, accept=60),
        get(5, observe=0),
        get(5, path=(*PATH, "3f2a")),
        get(5, code="FETCH", payload=b'{"ueId":"%s"}' % imei(5).encode(), content_format=50),
    ],
)
def test_of_all_what_cannot_be_held_goes_on_too(request_):
    assert FunctionBench(bulk_configuration="all").request(at(5), request_) is None


def test_a_device_with_a_ue_id_only_is_held_by_its_key_and_known_by_what_it_is_configured_as(tmp_path):
    bench, peer = keyed_bench(tmp_path, bulk_configuration="all")
    assert bench.ask(peer, own("GWREG", ue(0))).body["result"] is False
    assert bench.request(peer, get(0, back="b")).body == {"maxConfTime": 30}
    answer(bench, bench.one_ask(), entry(0))
    (push,) = bench.pushes()
    assert (push.where, told(push)[0]) == (peer, "b")
    assert bench.ask(peer, own("GWREG", ue(0))).body["result"] is True
    assert bench.ask(peer, own("GWREG", ue(1))).body["result"] is False


@pytest.mark.parametrize("open_", [False, True])
def test_of_all_nobody_is_held_for_a_ue_id_of_another(tmp_path, open_):
    bench, peer = keyed_bench(tmp_path, bulk_configuration="all", open=open_)
    for who, number in ((peer, 1), (peer_at(*THERE, b"another key"), 0)):
        refused = bench.request(who, get(number))
        assert (refused.code, refused.diagnostic) == (
            "4.03",
            imei(number) + " is not provisioned for this key",
        )
    assert bench.store.count_fetches() == 0


def test_of_all_without_keys_nobody_is_held_unless_it_is_open():
    bench = FunctionBench(bulk_configuration="all", open=False)
    assert bench.request(at(0), get(0)).code == "4.03"
    assert bench.store.count_fetches() == 0


def test_of_all_in_one_program_the_server_says_who_may_not_have_it(tmp_path):
    bench, peer = keyed_bench(tmp_path, bulk_configuration="all", ue="")
    assert bench.request(peer, get(1)) is None
    assert bench.request(peer, get(0)).body == {"maxConfTime": 30}
    closed = FunctionBench(ue="", bulk_configuration="all", open=False)
    assert closed.request(at(0), get(0)) is None


def test_a_host_that_invents_ue_ids_leaves_room_for_others():
    bench = FunctionBench(bulk_configuration="all", gateway_ues=40, bulk_max=1000)
    for number in range(100):
        bench.request(Peer("192.0.2.66", 1000 + number), get(number))
    assert bench.store.count_fetches() == 10
    assert bench.request(Peer("192.0.2.66", 7), get(200)) is None
    assert bench.request(Peer("192.0.2.66", 7), get(0)).body == {"maxConfTime": 30}  # in place of the earlier
    assert bench.request(HERE, get(200)).body == {"maxConfTime": 30}


def test_hosts_that_invent_ue_ids_leave_the_table_bounded():
    bench = FunctionBench(bulk_configuration="all", gateway_ues=40, bulk_max=1000)
    for number in range(100):
        bench.request(Peer("192.0.2.%d" % number, 1000), get(number))
    assert bench.store.count_fetches() == 40


@pytest.mark.parametrize("code", [None, "RST"])
def test_what_a_host_that_invents_ue_ids_does_not_take_is_bounded_too(code):
    bench = FunctionBench(bulk_configuration="all", gateway_ues=40, bulk_max=1000)
    for number in range(30):
        bench.request(Peer("192.0.2.66", 1000), get(number))
    ask = bench.one_ask(28)
    answer(bench, ask, *(entry(number) for number in range(10)))
    while pushes := bench.pushes():
        for push in pushes:
            bench.outcome(push, code)
    for number in range(30, 60):
        assert bench.request(Peer("192.0.2.66", 1000), get(number)) is None
    assert bench.store.count_fetches() == 10


def test_registered_ues_and_those_with_keys_are_no_strangers_of_their_host(tmp_path):
    bench = bench_of(8, whose="all", gateway_ues=8)
    assert bench.request(at(9), get(9)).body == {"maxConfTime": 30}
    assert bench.request(at(10), get(10)).body == {"maxConfTime": 30}
    assert bench.request(at(11), get(11)) is None
    hold(bench, 0, 1, 2, 3)
    bench, peer = keyed_bench(tmp_path, bulk_configuration="all", gateway_ues=8, bulk_max=100, open=True)
    for number in range(8):
        bench.request(Peer(HERE.host, 1000 + number), get(10 + number))
    assert bench.store.count_fetches() == 2
    assert bench.request(peer, get(0)).body == {"maxConfTime": 30}
