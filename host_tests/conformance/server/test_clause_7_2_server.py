# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.2, XML of the MSGin5G UE configuration, as the server writes it: read by expat, which is no code
of ours, and held against the clause and against TS 24.546 clause 7.2, whose document it extends."""

import json
from xml.etree import ElementTree

import pytest

from host_tests.conformance.server.configuring import IMEI, OTHER_IMEI, OTHER_UE, SERVICE, UE, scene
from tools.programs.patience import run
from tools.store.server.configtables import UeConfiguration
from tools.wire import ueconfig

MODULES = ("tools/wire/ueconfig.py",)

BASE = "{urn:3gpp:ns:seal:sealUEConfig:1.0}"
EXTENSION = "{urn:3gpp:ns:seal:MSGin5GUEConfig:1.0}"  # printed with a blank in it, which no URN has


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def read(folder, mode, ue_id):
    """(the root element of what a UE is told, the address of the server)."""

    async def story():
        async with scene(folder, mode, configuration_xml=True) as server:
            document = await server.document(ue_id, "ue-uri=" + ue_id)
            (one,) = document["ueConfigs"]
            return one["configData"], "coap://127.0.0.1:%d" % server.server.coap_port

    data, address = run(story())
    assert data.startswith("<")
    return ElementTree.fromstring(data), address


def test_the_root_is_that_of_the_seal_ue_configuration(tmp_path, mode):
    root, _ = read(tmp_path, mode, IMEI)
    assert root.tag == BASE + "seal-UE-configuration"
    assert root.attrib == {"domain": "example.org"}
    assert [child.tag.removeprefix(BASE) for child in root] == [
        "VAL-UE-id",
        "VAL-service-id",
        "common",
        "on-network",
    ]
    assert [(child.tag, child.text) for child in root[0]] == [(BASE + "Instance-ID-URN", IMEI)]
    assert root[1].text == SERVICE


def test_on_network_has_server_address_and_ue_service_id_and_segment_size(tmp_path, mode):
    root, address = read(tmp_path, mode, IMEI)
    assert [(child.tag, child.text) for child in root.find(BASE + "on-network")] == [
        (EXTENSION + "MSGin5G-Server-address", address),
        (EXTENSION + "MSGin5G-UE-Service-id", UE),
        (EXTENSION + "Segment-size", "1024"),
    ]


def test_the_segment_size_may_be_left_out(tmp_path, mode):
    root, address = read(tmp_path, mode, OTHER_IMEI)
    assert [(child.tag, child.text) for child in root.find(BASE + "on-network")] == [
        (EXTENSION + "MSGin5G-Server-address", address),
        (EXTENSION + "MSGin5G-UE-Service-id", OTHER_UE),
    ]


@pytest.mark.parametrize("text", ["a<b&c>\"d'", "ué\u20ac\U0001f600", "]]>", "&amp;", "<!--", "  a  "])
def test_any_text_comes_back_as_it_is(text):
    configuration = UeConfiguration(text, "ue:%s@%s" % (text, text))
    document = ueconfig.document(configuration, SERVICE, "coap://192.0.2.1", xml=True)
    root = ElementTree.fromstring(document["ueConfigs"][0]["configData"])
    assert root.find("%sVAL-UE-id/%sInstance-ID-URN" % (BASE, BASE)).text == text
    assert root.find("%son-network/%sMSGin5G-UE-Service-id" % (BASE, EXTENSION)).text == configuration.ue
    assert root.attrib["domain"] == text
    json.dumps(document)


def test_without_an_address_the_element_is_there_and_empty():
    """On a serial line the server has none; the element is mandatory."""
    document = ueconfig.document(UeConfiguration("a", "ue:a"), SERVICE, None, xml=True)
    root = ElementTree.fromstring(document["ueConfigs"][0]["configData"])
    assert not root.find("%son-network/%sMSGin5G-Server-address" % (BASE, EXTENSION)).text
