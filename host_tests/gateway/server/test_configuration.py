# SPDX-License-Identifier: MIT
"""UE configuration at the server (TS 24.538 clauses 6.2.1 and 6.2.3): its decisions, without a socket."""

import hashlib
import json

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.gateway.server.test_decisions import HERE, THERE, Bench
from tools.server.server import Server
from tools.store.keys.sectables import Keys
from tools.store.server.configtables import UeConfiguration
from tools.transport.security import ContextBinding, Speaker
from tools.wire.answers import Request

PATH = ("su-uc", "v1", "val-services", "urn:3gpp:msgin5g", "ue-configurations")
IMEI = "urn:imei:35-209900-176148-1"
A, B, GW = "ue:a@example.org", "ue:b@example.org", "ue:gw@example.org"


def keys(number):
    return Keys(bytes([number]), b"", bytes([number]) * 16)


def speaker(number, peer=HERE):
    made = Speaker(*peer)
    made.identity = keys(number).digest
    return made


class ConfigurationBench(Bench):
    """Security mode none and any UE, or with `protected` mode oscore."""

    def __init__(self, protected=False, open=None, **settings):
        self._protected = protected
        super().__init__(open=not protected if open is None else open, protected=protected, **settings)

    def restart(self):
        binding = ContextBinding(self.store) if self._protected else None
        self.server = Server(self.store, self.settings, self._emit, binding)
        self.server.start(self.now)

    def put(self, ue_id=IMEI, ue=A, **more):
        assert self.store.put_configuration(UeConfiguration(ue_id, ue, **more)) is None

    def get(self, peer=HERE, *query, code="GET", path=PATH, body=None, peers=(), **options):
        payload = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None:
            options.setdefault("content_format", 50)
        request = Request(code, path, query, payload, **{"local": "192.0.2.9:65401"} | options)
        return self.server.configuration(peer, request, self.now, peers)

    def data(self, *arguments, **options):
        """configData of the one document of the answer."""
        answer = self.get(*arguments, **options)
        assert answer.code == "2.05", answer
        (document,) = json.loads(answer.octets)
        (one,) = document["ueConfigs"]
        assert one["configType"] == "ON_NETWORK"
        return one["configData"]

    def code(self, *arguments, **options):
        return self.get(*arguments, **options).code


def test_the_document_has_what_the_standard_names():
    bench = ConfigurationBench()
    bench.put(seg_size=1024, server="coap://192.0.2.1")
    answer = bench.get(HERE, "ue-uri=" + IMEI)
    assert (answer.code, answer.content_format, answer.max_age) == ("2.05", 50, 86400)
    (document,) = json.loads(answer.octets)
    assert document.pop("ueConfigDocId")
    data = document["ueConfigs"][0].pop("configData")
    assert document == {
        "valServiceDomain": "example.org",
        "valServiceId": "urn:3gpp:msgin5g",
        "valUeIds": {"uris": [IMEI]},
        "ueConfigs": [{"configType": "ON_NETWORK"}],
    }
    assert json.loads(data) == {"ueServiceId": A, "serverAddr": "coap://192.0.2.1", "segSize": 1024}
    assert answer.etag == hashlib.sha256(answer.octets).digest()[:8]


def test_without_a_server_of_its_own_it_is_told_the_one_that_it_asked():
    bench = ConfigurationBench()
    bench.put()
    assert json.loads(bench.data(HERE, "ue-uri=" + IMEI)) == {
        "ueServiceId": A,
        "serverAddr": "coap://192.0.2.9:65401",
    }
    assert json.loads(bench.data(HERE, "ue-uri=" + IMEI, local=None)) == {
        "ueServiceId": A
    }  # on a serial line
    bench = ConfigurationBench(configuration_server="coap://server.example.org")
    bench.put()
    assert json.loads(bench.data(HERE, "ue-uri=" + IMEI))["serverAddr"] == "coap://server.example.org"


def test_a_known_etag_is_answered_without_the_document():
    bench = ConfigurationBench()
    bench.put()
    etag = bench.get(HERE, "ue-uri=" + IMEI).etag
    again = bench.get(HERE, "ue-uri=" + IMEI, etags=(b"12345678", etag))
    assert (again.code, again.etag, again.max_age, again.octets, again.body) == (
        "2.03",
        etag,
        86400,
        None,
        None,
    )
    bench.put(seg_size=512)
    assert bench.code(HERE, "ue-uri=" + IMEI, etags=(etag,)) == "2.05"


@pytest.mark.parametrize(
    "query, named",
    [
        (("ue-uri",), "ue-uri"),
        (("ue-uri=",), "ue-uri"),
        (("ue-uri=a", "ue-uri=a"), "ue-uri"),
        (("ue-uri=" + "x" * 249,), "ue-uri"),
        (("ue-uri=a\nb",), "ue-uri"),
        (("ue-uri=a", "ue-type=1234567"), "ue-type"),
        (("ue-uri=a", "ue-type=１２３４５６７８"), "ue-type"),
        (("ue-uri=a", "ue-vendor=" + "v" * 201), "ue-vendor"),
        (("ue-uri=a", "ue-snr=12"), "ue-snr"),
        (("ue-url=a",), "ue-url"),
        (("",), "Uri-Query"),
    ],
)
def test_a_query_that_is_wrong_is_named(query, named):
    answer = ConfigurationBench().get(HERE, *query)
    assert answer.code == "4.00"
    assert named in answer.diagnostic


def test_vendor_and_type_choose_where_a_configuration_is_for_some():
    bench = ConfigurationBench()
    bench.put(vendor="acme", type="35209900")
    ask = "ue-uri=" + IMEI
    assert bench.code(HERE, ask) == "2.05"
    assert bench.code(HERE, ask, "ue-vendor=acme", "ue-type=35209900") == "2.05"
    assert bench.code(HERE, ask, "ue-vendor=other") == "4.04"
    assert bench.code(HERE, ask, "ue-type=35209901") == "4.04"


def test_a_body_is_read_where_the_query_names_nobody():
    """Clause 7.3.2.1; the query wins."""
    bench = ConfigurationBench()
    bench.put(vendor="acme")
    infos = [{"name": "vendor", "value": "acme"}, {"name": "colour", "value": "red"}]
    assert bench.code(body={"ueId": IMEI, "addInfos": infos}) == "2.05"
    assert bench.code(code="FETCH", body={"ueId": IMEI}) == "2.05"
    assert bench.code(body={"ueId": IMEI, "addInfos": [{"name": "vendor", "value": "other"}]}) == "4.04"
    assert bench.code(HERE, "ue-uri=" + IMEI, body={"ueId": "another"}) == "2.05"
    assert bench.code(HERE, "ue-vendor=acme", body={"ueId": IMEI}) == "2.05"
    octets = cbor2.dumps({"ueId": IMEI})
    assert bench.code(body=octets, content_format=60) == "2.05"
    assert bench.code(body={"ueId": IMEI}, content_format=None) == "2.05"
    assert bench.code(body={"ueId": IMEI}, content_format=0) == "4.15"


@pytest.mark.parametrize(
    "body, named",
    [
        (b"{", "body"),
        (b"[]", "body"),
        ({}, "ueId"),
        ({"ueId": 1}, "ueId"),
        ({"ueId": ""}, "ueId"),
        ({"ueId": "x" * 249}, "ueId"),
        ({"ueId": "a", "addInfos": {}}, "addInfos"),
        ({"ueId": "a", "addInfos": [1]}, "addInfos"),
        ({"ueId": "a", "addInfos": [{"value": "b"}]}, "name"),
        ({"ueId": "a", "addInfos": [{"name": "type", "value": "b"}]}, "ue-type"),
        ({"bulkFlag": "perhaps", "ueIds": ["a"]}, "bulkFlag"),
        ({"bulkFlag": True}, "ueIds"),
        ({"bulkFlag": True, "ueIds": []}, "ueIds"),
        ({"bulkFlag": True, "ueIds": ["a", 1]}, "ueIds[1]"),
        ({"bulkFlag": True, "ueIds": ["a"] * 1001}, "ueIds"),
    ],
)
def test_a_body_that_is_wrong_is_named(body, named):
    for code in ("GET", "FETCH"):
        answer = ConfigurationBench().get(code=code, body=body)
        assert answer.code == "4.00"
        assert named in answer.diagnostic


@pytest.mark.parametrize(
    "octets",
    [
        b"\xff",
        b"\x01",
        b"\xa0\x00",
        b"\x81" * 1000,
        b"\xa1",
        b"\xa1\x64ueId\x62\xff\xff",
        b"\xd8\x23\x61(",  # a regular expression that is none
        b"\xa2\x64ueId\x61a\x61x\xd8\x1c\x81\xd8\x1d\x00",  # a list within itself
        b"\xa2\x64ueId\x61a\x61x\xc0\x74" + b"2026-11-29T10:00:00Z",  # a date
        b"\xa2\x64ueId\x61a\x61x\xf9\x7e\x00",  # no number
    ],
)
def test_cbor_that_is_none_is_refused(octets):
    assert ConfigurationBench().code(body=octets, content_format=60) == "4.00"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "ueId": _JSON | st.just(IMEI),
        "bulkFlag": _JSON | st.just(True),
        "ueIds": _JSON | st.lists(st.just(IMEI) | st.text(), max_size=3),
        "addInfos": _JSON | st.lists(st.fixed_dictionaries({"name": _JSON, "value": _JSON}), max_size=2),
    },
)
_QUERIES = st.lists(
    st.builds("{}={}".format, st.sampled_from(["ue-uri", "ue-vendor", "ue-type", "x"]), st.text(max_size=9))
    | st.text(max_size=9),
    max_size=2,
)


@given(
    _QUERIES,
    _MEMBERS.map(cbor2.dumps)
    | _JSON.map(cbor2.dumps)
    | _MEMBERS.map(json.dumps).map(str.encode)
    | st.binary(),
    st.sampled_from([None, 50, 60, 0]),
    st.sampled_from(["GET", "FETCH"]),
    st.sampled_from([None, 50, 60, 40]),
)
def test_whatever_comes_is_taken_or_refused(query, octets, content_format, code, accept):
    bench = ConfigurationBench(assign="example.org")
    bench.put()
    bench.register(GW, HERE)
    options = {"content_format": content_format, "accept": accept}
    answer = bench.get(HERE, *query, code=code, body=octets, **options)
    assert answer.code in ("2.05", "4.00", "4.03", "4.04", "4.06", "4.15")
    assert bench.events("error") == []
    if answer.octets is not None:
        (json.loads if answer.content_format == 50 else cbor2.loads)(answer.octets)


def test_a_fetch_says_what_it_wants():
    answer = ConfigurationBench().get(code="FETCH")
    assert answer.code == "4.00"
    assert "payload" in answer.diagnostic


@pytest.mark.parametrize(
    "path",
    [
        ("su-uc",),
        PATH[:3],
        PATH[:4],
        (*PATH[:3], "urn:3gpp:other", "ue-configurations"),
        (*PATH[:4], "user-profiles"),
        ("su-uc", "v2", *PATH[2:]),
        (*PATH, "nothing", "more"),
        (*PATH, "nothing"),
        (*PATH, ""),
    ],
)
def test_other_paths_are_not_there(path):
    bench = ConfigurationBench()
    bench.put()
    assert bench.code(HERE, "ue-uri=" + IMEI, path=path) == "4.04"


def test_configurations_are_only_read():
    bench = ConfigurationBench()
    bench.put()
    (document,) = json.loads(bench.get(HERE, "ue-uri=" + IMEI).octets)
    one = (*PATH, document["ueConfigDocId"])
    for code in ("POST", "PUT", "DELETE", "PATCH", "iPATCH", "0.31"):
        assert bench.code(HERE, code=code) == "4.05"
        assert bench.code(HERE, code=code, path=one) == "4.05"
    assert bench.code(HERE, code="FETCH", path=one, body={}) == "4.05"


def test_one_document_is_an_object_that_can_be_observed():
    bench = ConfigurationBench()
    bench.put()
    listed = bench.get(HERE, "ue-uri=" + IMEI)
    (document,) = json.loads(listed.octets)
    answer = bench.get(path=(*PATH, document["ueConfigDocId"]))
    assert json.loads(answer.octets) == document
    assert answer.observable
    assert not listed.observable
    again = bench.get(path=(*PATH, document["ueConfigDocId"]), etags=(answer.etag,))
    assert (again.code, again.observable) == ("2.03", True)


def test_cbor_has_the_same_members():
    bench = ConfigurationBench()
    bench.put()
    json_, cbor = (bench.get(HERE, "ue-uri=" + IMEI, accept=accept) for accept in (50, 60))
    assert cbor.content_format == 60
    assert cbor2.loads(cbor.octets) == json.loads(json_.octets)
    assert cbor.etag == hashlib.sha256(cbor.octets).digest()[:8] != json_.etag


def test_errors_are_problem_details_for_who_takes_cbor():
    """RFC 9290: -1 is the title, -2 the detail."""
    bench = ConfigurationBench()
    answer = bench.get(HERE, "ue-uri=nobody", accept=60)
    assert (answer.code, answer.content_format) == ("4.04", 257)
    problem = cbor2.loads(answer.octets)
    assert problem[-1] == "Not Found"
    assert "nobody" in problem[-2]
    assert set(problem) == {-1, -2}
    assert cbor2.loads(bench.get(HERE, "ue-url=x", accept=60).octets)[-1] == "Bad Request"
    assert bench.get(HERE, "ue-uri=nobody").octets is None


@pytest.mark.parametrize("accept", [0, 40, 41, 112, 257])
def test_other_formats_are_not_acceptable(accept):
    bench = ConfigurationBench()
    bench.put()
    assert bench.code(HERE, "ue-uri=" + IMEI, accept=accept) == "4.06"


# ---- who may have which ----------------------------------------------------------------------------------------------


def test_in_mode_none_they_are_for_whoever_may_register():
    bench = ConfigurationBench(open=False)
    bench.put()
    answer = bench.get(HERE, "ue-uri=" + IMEI)
    assert answer.code == "4.03"
    assert "--open" in answer.diagnostic
    assert bench.code(HERE, "ue-uri=unknown") == "4.03"
    assert ConfigurationBench().code(HERE, "ue-uri=unknown") == "4.04"


def test_in_mode_none_nobody_gets_all():
    assert ConfigurationBench().code(HERE) == "4.03"


def protected(**settings):
    """Key 1 is that of IMEI and A, key 2 that of "two" and B."""
    bench = ConfigurationBench(protected=True, **settings)
    for number, ue_id, ue in ((1, IMEI, A), (2, "two", B)):
        assert bench.store.bind_ue_id_keys(ue_id, keys(number)) is None
        bench.put(ue_id, ue)
    return bench


def test_a_key_gets_what_it_was_provisioned_for():
    bench = protected()
    assert json.loads(bench.data(speaker(1), "ue-uri=" + IMEI))["ueServiceId"] == A
    answer = bench.get(speaker(2), "ue-uri=" + IMEI)
    assert answer.code == "4.03"
    assert A not in answer.diagnostic
    assert bench.code(HERE, "ue-uri=" + IMEI) == "4.03"
    assert bench.code(speaker(1), "ue-uri=unknown") == "4.04"


def test_without_a_query_a_key_gets_its_own():
    bench = protected()
    assert json.loads(bench.data(speaker(2)))["ueServiceId"] == B
    bench.store.bind_ue_id_keys("three", keys(2))
    bench.put("three", "ue:c")
    documents = json.loads(bench.get(speaker(2)).octets)
    assert sorted(document["valUeIds"]["uris"][0] for document in documents) == ["three", "two"]
    assert bench.code(speaker(3)) == "4.04"


def test_a_document_is_for_its_key_too():
    bench = protected()
    (document,) = json.loads(bench.get(speaker(1), "ue-uri=" + IMEI).octets)
    path = (*PATH, document["ueConfigDocId"])
    assert bench.code(speaker(1), path=path) == "2.05"
    assert bench.code(speaker(2), path=path) == "4.03"


def test_a_ue_id_and_its_ue_service_id_have_one_key():
    bench = ConfigurationBench(protected=True)
    bench.store.bind_keys(A, keys(1))  # `device add A --key`, then `ue add IMEI --ue A`
    bench.put()
    assert bench.code(speaker(1), "ue-uri=" + IMEI) == "2.05"
    bench.store.bind_keys(A, keys(3))  # it is rotated
    assert bench.code(speaker(1), "ue-uri=" + IMEI) == "4.03"
    assert bench.code(speaker(3), "ue-uri=" + IMEI) == "2.05"
    bench.store.bind_ue_id_keys(IMEI, keys(4))
    assert bench.store.ues_of_keys(keys(4).digest) == {A}
    assert bench.store.ues_of_keys(keys(3).digest) == set()
    bench.store.bind_keys(B, keys(5))
    assert "different keys" in bench.store.put_configuration(UeConfiguration(IMEI, B))
    assert bench.store.configuration(IMEI).ue == A


def test_removing_a_ue_service_id_locks_its_device_out():
    bench = protected(assign="example.org")
    bench.store.remove_device(A)
    assert bench.store.configuration(IMEI) is None
    assert bench.store.keys_of_kid(b"\x01", None) is None
    assert bench.store.keys_of_kid(b"\x02", None) == keys(2)


# ---- assigned --------------------------------------------------------------------------------------------------------


def test_an_unknown_ue_id_gets_a_ue_service_id_that_may_register():
    bench = ConfigurationBench(assign="example.org")
    ue = json.loads(bench.data(HERE, "ue-uri=" + IMEI))["ueServiceId"]
    head, _, domain = ue.partition("@")
    assert (len(head), domain) == (len("ue:") + 16, "example.org")
    assert int(head.removeprefix("ue:"), 16) >= 0
    assert bench.store.provisioned(ue)
    assert bench.events("assigned") == [{"ue_id": IMEI, "ue": ue, "peer": str(HERE)}]
    assert json.loads(bench.data(THERE, "ue-uri=" + IMEI))["ueServiceId"] == ue
    other = json.loads(bench.data(THERE, "ue-uri=other"))["ueServiceId"]
    assert other != ue
    bench.store.remove_configuration(IMEI)  # TS 23.554 clause 8.1.2
    assert json.loads(bench.data(HERE, "ue-uri=" + IMEI))["ueServiceId"] == ue


def test_an_assigned_id_is_bound_to_the_key_that_asked():
    bench = ConfigurationBench(protected=True, assign="example.org")
    bench.store.bind_ue_id_keys(IMEI, keys(1))
    bench.store.bind_ue_id_keys("two", keys(2))
    assert bench.code(speaker(2), "ue-uri=" + IMEI) == "4.03"  # of another key, and not assigned yet
    ue = json.loads(bench.data(speaker(1), "ue-uri=" + IMEI))["ueServiceId"]
    assert bench.store.ues_of_keys(keys(1).digest) == {ue}
    bench.register(ue, speaker(1))
    third = json.loads(bench.data(speaker(2), "ue-uri=third"))["ueServiceId"]  # of nobody: whoever asks first
    assert bench.store.ues_of_keys(keys(2).digest) == {third}
    assert bench.code(speaker(1), "ue-uri=third") == "4.03"
    bench.store.remove_configuration("third")
    assert (
        bench.code(speaker(1), "ue-uri=third") == "4.03"
    )  # it would become who speaks for the same UE Service ID


def test_what_is_assigned_is_bounded_for_each_who_asks_and_in_all():
    bench = ConfigurationBench(protected=True, assign="example.org", assigned_each=2, ues=3)
    for number in (1, 2):
        bench.store.bind_ue_id_keys("of %d" % number, keys(number))
    assert [bench.code(speaker(1), "ue-uri=%d" % n) for n in range(3)] == ["2.05", "2.05", "4.03"]
    assert bench.code(speaker(1), "ue-uri=0") == "2.05"
    assert bench.code(speaker(2), "ue-uri=a") == "2.05"
    answer = bench.get(speaker(2), "ue-uri=b")
    assert (answer.code, bool(answer.max_age)) == ("5.03", True)
    assert bench.store.configuration("b") is None
    bench = ConfigurationBench(assign="example.org", assigned_many=2)
    assert [bench.code(HERE, "ue-uri=%d" % n) for n in range(3)] == ["2.05", "2.05", "4.03"]
    assert bench.code(THERE, "ue-uri=2") == "2.05"


# ---- many at once ----------------------------------------------------------------------------------------------------


def entries(answer):
    assert answer.code == "2.05", answer
    return json.loads(answer.octets)["confList"]


def bulk(*ue_ids):
    return {"bulkFlag": True, "ueIds": list(ue_ids)}


@pytest.mark.parametrize("code", ["GET", "FETCH"])
def test_a_gateway_gets_an_entry_for_each_in_the_order_asked(code):
    bench = ConfigurationBench()
    bench.put(seg_size=1024)
    bench.put("two", B)
    bench.register(GW, HERE)
    asked = ("two", "nobody", IMEI, "", "two", "x" * 300)
    first, second, third, fourth, fifth, sixth = entries(bench.get(code=code, body=bulk(*asked)))
    server = "coap://192.0.2.9:65401"
    assert first == fifth == {"ueId": "two", "ueServiceId": B, "serverAddr": server}
    assert third == {"ueId": IMEI, "ueServiceId": A, "serverAddr": server, "segSize": 1024}
    for entry, ue_id in ((second, "nobody"), (fourth, ""), (sixth, "x" * 300)):
        assert set(entry) == {"ueId", "cause"}
        assert entry["ueId"] == ue_id
        assert entry["cause"]


def test_nobody_but_a_registered_gateway_asks_for_many():
    bench = ConfigurationBench()
    bench.put()
    assert bench.code(body=bulk(IMEI)) == "4.03"
    bench = protected()
    bench.store.bind_keys(GW, keys(9))
    bench.store.add_device(GW)
    assert bench.code(speaker(9), body=bulk(IMEI)) == "4.03"
    bench.register(GW, speaker(9))
    assert bench.code(speaker(9), body=bulk(IMEI)) == "4.03"  # registered, but no gateway
    bench.store.add_gateway(GW)
    assert bench.code(speaker(9), body=bulk(IMEI)) == "2.05"
    bench.now += 3601
    bench.work()
    assert bench.code(speaker(9), body=bulk(IMEI)) == "4.03"


def gateway(**settings):
    bench = protected(**settings)
    bench.store.bind_keys(GW, keys(9))
    bench.store.add_device(GW)
    bench.store.add_gateway(GW)
    bench.register(GW, speaker(9))
    return bench


def test_a_gateway_gets_what_was_added_behind_it():
    bench = gateway()
    bench.put("loose", "ue:loose")
    first, second = entries(bench.get(speaker(9), body=bulk(IMEI, "loose")))
    assert "--via" in first["cause"] and "--via" in second["cause"]
    bench.store.put_behind(A, GW)
    first, second = entries(bench.get(speaker(9), body=bulk(IMEI, "loose")))
    assert first["ueServiceId"] == A
    assert "cause" in second
    # One by one it forwards them without a change, and asks with its own key.
    assert bench.code(speaker(9), "ue-uri=" + IMEI) == "2.05"
    assert bench.code(speaker(9), "ue-uri=two") == "4.03"
    assert bench.code(speaker(1), "ue-uri=" + IMEI) == "2.05"


def test_what_a_gateway_asks_for_is_assigned_behind_it():
    bench = gateway(assign="example.org", assigned_many=2)
    found = entries(bench.get(speaker(9), body=bulk("new 1", IMEI, "new 2", "new 3")))
    assert ["cause" in entry for entry in found] == [False, True, False, True]
    ue = found[0]["ueServiceId"]
    assert bench.store.gateway_of(ue) == GW
    assert bench.store.key_of_ue(ue) is None
    assert bench.store.configuration("new 3") is None
    assert bench.code(speaker(1), "ue-uri=new 1") == "4.03"
    assert entries(bench.get(speaker(9), body=bulk("new 2")))[0]["ueServiceId"] == found[2]["ueServiceId"]


def test_an_entry_has_an_address_of_the_server_even_if_there_is_none():
    bench = ConfigurationBench()
    bench.put()
    bench.register(GW, HERE)
    (entry,) = entries(bench.get(body=bulk(IMEI), local=None))  # from a serial line
    assert entry == {"ueId": IMEI, "ueServiceId": A, "serverAddr": ""}


def test_in_one_program_each_entry_is_that_of_who_asked():
    bench = protected(assign="example.org")
    peers = (speaker(1), speaker(1), speaker(2, THERE))
    first, second, third = entries(bench.get(body=bulk(IMEI, "two", "two"), peers=peers))
    assert (first["ueServiceId"], third["ueServiceId"]) == (A, B)
    assert "cause" in second


def test_a_bulk_request_names_nobody_in_its_query():
    bench = ConfigurationBench()
    bench.register(GW, HERE)
    assert bench.code(HERE, "ue-type=12345678", body=bulk(IMEI)) == "4.00"


def test_what_goes_wrong_in_one_entry_is_undone_for_it_alone(monkeypatch):
    bench = ConfigurationBench(assign="example.org")
    bench.register(GW, HERE)
    put = bench.store.put_configuration

    def failing(wanted):
        put(wanted)
        return "full" if wanted.ue_id == "two" else None

    monkeypatch.setattr(bench.store, "put_configuration", failing)
    found = entries(bench.get(body=bulk("one", "two", "three")))
    assert [entry.get("cause") for entry in found] == [None, "full", None]
    assert [each.ue_id for each in bench.store.configurations()] == ["one", "three"]


def test_too_many_requests_are_told_so():
    bench = ConfigurationBench(rate=1)
    bench.put()
    codes = [bench.code(HERE, "ue-uri=" + IMEI) for _ in range(3)]
    assert codes == ["2.05", "2.05", "4.29"]


def test_what_raises_is_answered_5_00_and_told(monkeypatch):
    bench = ConfigurationBench(assign="example.org")

    def broken(*arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(bench.store, "service_id_of", broken)
    assert bench.code(HERE, "ue-uri=" + IMEI) == "5.00"
    (told,) = bench.events("error")
    assert (told["kind"], told["code"]) == ("configuration", "5.00")
