# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.3.2, the JSON of the UE configuration, at the MSGin5G Client: what it says of itself, and what it
reads. The firmware's core, and a server made by hand; docs/wire-profile.md says what the clause leaves open."""

import json

import pytest

from host_tests.conformance.device.core import UE, UE_ID, Core, body, configured, documents

MODULES = ("firmware/msgin5g/wire/configuration.py",)
ALSO = ("host_tests/device/wire/test_configuration_documents.py",)

DATA = json.dumps({"ueServiceId": UE})


def who(core):
    return body(core.next("REG"))["oriAddr"]["addr"]


def test_7_3_2_1_ue_id_and_the_information_of_the_ue_are_in_the_query_of_a_request_without_a_body():
    """A GET of TS 24.546 has none: `ueId` and `addInfos` are parameters there."""
    core = Core(ue_service_id=None, ue_id=UE_ID, configuration={"vendor": "Acme", "type": "35209900"})
    (request,) = core.requests
    assert request.opt.uri_query == ("ue-uri=" + UE_ID, "ue-vendor=Acme", "ue-type=35209900")
    assert request.payload == b"" and request.opt.accept == 50


def test_7_3_2_1_what_is_not_configured_is_not_in_the_query():
    (request,) = Core(ue_service_id=None, ue_id=UE_ID).requests
    assert request.opt.uri_query == ("ue-uri=" + UE_ID,)


def test_7_3_2_of_several_documents_the_one_for_this_ue_counts():
    other = documents(json.dumps({"ueServiceId": "ue:no"}), valUeIds={"uris": ["urn:imei:1"]})
    assert who(configured(other + documents(DATA))) == UE


def test_7_3_2_else_the_one_for_all_ues():
    other = documents(json.dumps({"ueServiceId": "ue:no"}), valUeIds={"uris": ["urn:imei:1"]})
    anybody = documents(DATA)
    del anybody[0]["valUeIds"]
    assert who(configured(other + anybody)) == UE


def test_7_3_2_one_for_another_ue_configures_nothing():
    core = configured(documents(DATA, valUeIds={"uris": ["urn:imei:1"]}))
    assert core.state == "refused" and core.requests == []


def test_7_3_2_server_address_and_segment_size_are_read():
    data = json.dumps({"ueServiceId": UE, "serverAddr": "coap://192.0.2.77:5000", "segSize": 512})
    request = configured(documents(data)).next("REG")
    assert (request.opt.uri_host, request.opt.uri_port) == ("192.0.2.77", 5000)
    assert body(request)["cliProfile"]["maxSegSize"] == 512


@pytest.mark.parametrize("size, limit", [(0, 700), (4096, 700), (699, 699), (2048, 700)])
def test_7_3_2_the_smaller_limit_counts_and_0_is_none(size, limit):
    data = json.dumps({"ueServiceId": UE, "segSize": size})
    request = configured(documents(data), segments={"size": 700}).next("REG")
    assert body(request)["cliProfile"]["maxSegSize"] == limit


@pytest.mark.parametrize(
    "said",
    [{"ueServiceId": UE}, [{"ueServiceId": UE}], documents(DATA)[0], documents({"ueServiceId": UE})],
    ids=["object", "array of one", "one document", "configData as an object"],
)
def test_7_3_2_other_forms_are_understood(said):
    assert who(configured(said)) == UE


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b"7",
        documents("{}"),
        documents('{"ueServiceId":7}'),
        documents("x"),
        [{}],
    ],
    ids=str,
)
def test_7_3_2_what_cannot_be_read_configures_nothing(said):
    core = configured(said)
    assert core.state == "refused" and core.cause and core.requests == []
    core.run(80)
    assert core.requests[0].opt.uri_path[0] == "su-uc"  # and it asks again
