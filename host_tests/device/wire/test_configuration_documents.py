# SPDX-License-Identifier: MIT
"""The answer to a request for a UE configuration: TS 24.546 clause C.4 and TS 24.538 clause 7.2."""

import json

from common import equal, raises
from msgin5g.wire.configuration import read
from msgin5g.wire.identifiers import BodyError

UE_ID = "urn:imei:35-209900-176148-1"
DATA = '{"ueServiceId":"ue:s1@example.org","serverAddr":"coap://192.0.2.1","segSize":1024}'
SETTINGS = ("ue:s1@example.org", "coap://192.0.2.1", 1024)
XML = (
    '<s domain="example.org"><on-network><MSGin5G-Server-address>coap://192.0.2.1</MSGin5G-Server-address>'
    "<MSGin5G-UE-Service-id>ue:s1@example.org</MSGin5G-UE-Service-id><Segment-size>1024</Segment-size>"
    "</on-network></s>"
)


def document(data=DATA, uris=(UE_ID,), name="ueConfigDocId", **more):
    members = {
        name: "3f2a",
        "valServiceDomain": "example.org",
        "valServiceId": "urn:3gpp:msgin5g",
        "ueConfigs": [{"configType": "ON_NETWORK", "configData": data}],
    }
    if uris is not None:
        members["valUeIds"] = {"uris": list(uris)}
    members.update(more)
    return members


def given(value):
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read(octets, UE_ID)


def wrong(value, member, word=""):
    error = raises(BodyError, given, value)
    equal(error.member, member)
    assert word in str(error), error


def test_a_document_of_ts_24_546():
    equal(given([document()]), ("3f2a",) + SETTINGS)
    equal(given([document(name="UeConfigDocId")]), ("3f2a",) + SETTINGS)


def test_json_and_xml_in_config_data():
    for data in (DATA, " \n" + DATA, XML, "\n" + XML, json.loads(DATA)):
        equal((data, given([document(data)])[1:]), (data, SETTINGS))


def test_a_bare_object_is_understood():
    for value in (
        document(),
        json.loads(DATA),
        [json.loads(DATA)],
        XML.encode(),
        b"\r\n" + XML.encode(),
    ):
        equal((value, given(value)[1:]), (value, SETTINGS))


def test_the_document_that_names_this_ue_comes_first():
    other = document('{"ueServiceId":"ue:other@x"}', ["urn:imei:1"])
    for_all = document('{"ueServiceId":"ue:all@x"}', None)
    equal(given([other, for_all, document()])[1], "ue:s1@example.org")
    equal(given([other, for_all, document('{"ueServiceId":"ue:later@x"}', None)])[1], "ue:all@x")
    equal(given([document(uris=["x", UE_ID])])[1], "ue:s1@example.org")
    for value in ([other], other, [document(uris=())], [document(valUeIds={})]):
        wrong(value, "valUeIds", "no configuration")


def test_of_several_configurations_that_for_the_network_counts():
    parts = [
        {"configType": "COMMON", "configData": "{}"},
        {"configType": "on_network", "configData": DATA},
    ]
    equal(given(document(ueConfigs=parts))[1:], SETTINGS)
    equal(given(document(ueConfigs=[{"configData": DATA}]))[1:], SETTINGS)


def test_what_is_optional():
    equal(given({"ueServiceId": "ue:a@x"}), (None, "ue:a@x", None, 0))
    equal(given({"ueServiceId": "ue:a@x", "serverAddr": "", "segSize": "512"}), (None, "ue:a@x", None, 512))
    equal(given({"ueServiceId": "ue:a@x", "segSize": 5000.0})[3], 5000)


def test_a_gateway_that_wants_time():
    equal(given({"maxConfTime": 30}), 30)
    equal(given([{"maxConfTime": "30"}]), 30)
    equal(given(document(maxConfTime=30))[1], "ue:s1@example.org")  # it did not want any
    wrong({"maxConfTime": -1}, "maxConfTime")
    wrong({"maxConfTime": "soon"}, "maxConfTime")


def test_what_is_no_configuration():
    wrong(b"", "body", "JSON")
    wrong(b"\xff", "body", "JSON")
    wrong(b"5", "body", "array of objects")
    wrong([], "valUeIds", "no configuration")
    wrong([5], "body", "array of objects")
    wrong([document(), 5], "body", "array of objects")
    wrong({}, "ueConfigs", "missing")
    wrong(document(ueConfigs=[]), "ueConfigs", "empty")
    wrong(document(ueConfigs="x"), "ueConfigs")
    wrong(document(ueConfigs=[1]), "ueConfigs")
    wrong(document(ueConfigs=[{}]), "configData", "missing")
    wrong(document(valUeIds="x"), "valUeIds")
    wrong(document(valUeIds={"uris": "urn:imei:1"}), "valUeIds.uris")
    wrong(document(ueConfigDocId=5), "ueConfigDocId")
    wrong(document("hello"), "configData", "neither JSON nor XML")
    wrong(document(""), "configData", "neither JSON nor XML")
    wrong(document(5), "configData", "not a text")
    wrong(document("{x}"), "configData", "not JSON")
    wrong(document("<a>"), "configData", "XML")
    wrong(document("{}"), "ueServiceId", "missing")
    wrong(document("<a/>"), "ueServiceId", "missing")
    wrong(b"<a", "configData", "XML")
    for ue in ("", 5, "a\nb", "x" * 256):
        wrong({"ueServiceId": ue}, "ueServiceId")
    wrong({"ueServiceId": "ue:a@x", "serverAddr": 5}, "serverAddr")
    for size in (-1, "many", True, 1.5):
        wrong({"ueServiceId": "ue:a@x", "segSize": size}, "segSize")


def test_a_long_answer():
    text = DATA.encode()
    equal(given(text + b" " * (4096 - len(text)))[1:], SETTINGS)
    wrong(text + b" " * (4097 - len(text)), "body", "4096")
    wrong(b"[" * 2000, "body")
