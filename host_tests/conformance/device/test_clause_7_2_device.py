# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.2, the XML of the UE configuration, at the MSGin5G Client: the three elements that it adds, as
they are printed there and as others may write them. The firmware's core, and a server made by hand."""

import pytest

from host_tests.conformance.device.core import UE, body, configured, documents

MODULES = ("firmware/msgin5g/wire/configuration_xml.py",)
ALSO = ("host_tests/device/wire/test_configuration_xml.py",)

ADDRESS = "<MSGin5G-Server-address>coap://192.0.2.77</MSGin5G-Server-address>"
SERVICE_ID = "<MSGin5G-UE-Service-id>ue:s1@example.org</MSGin5G-UE-Service-id>"


def whole(inner, head="", common="<common/>"):
    return (
        '<?xml version="1.0" encoding="UTF-8"?>%s<seal-UE-configuration xmlns="urn:3gpp:ns:seal:sealUEConfig:1.0"'
        ' domain="example.org"><VAL-UE-id><Instance-ID-URN>urn:imei:35</Instance-ID-URN></VAL-UE-id>'
        "<VAL-service-id>urn:3gpp:msgin5g</VAL-service-id>%s<on-network>%s</on-network></seal-UE-configuration>"
        % (head, common, inner)
    )


def registration(xml, **config):
    """(the REG that follows, its body)."""
    request = configured(documents(xml), **config).next("REG")
    return request, body(request)


def test_7_2_server_address_and_ue_service_id_are_used():
    request, said = registration(whole(ADDRESS + SERVICE_ID))
    assert (request.opt.uri_host, said["oriAddr"]["addr"]) == ("192.0.2.77", UE)


def test_7_2_no_payload_of_a_segment_exceeds_the_segment_size_which_is_optional():
    _, said = registration(whole(ADDRESS + SERVICE_ID + "<Segment-size>512</Segment-size>"))
    assert said["cliProfile"]["maxSegSize"] == 512
    _, without = registration(whole(ADDRESS + SERVICE_ID), segments={"size": 700})
    assert without["cliProfile"]["maxSegSize"] == 700


@pytest.mark.parametrize(
    "namespace", ["urn:3gpp:ns:seal:MSGin5GUEConfig:1.0", "urn:3gpp:ns:seal: MSGin5GUEConfig:1.0"]
)
def test_7_2_the_extension_has_a_namespace_that_is_printed_with_a_blank(namespace):
    inner = (ADDRESS + SERVICE_ID).replace("</", "<@").replace("<MSG", "<m:MSG").replace("<@", "</m:")
    inner = inner.replace("<m:MSGin5G-Server-address>", '<m:MSGin5G-Server-address xmlns:m="%s">' % namespace)
    inner = inner.replace("<m:MSGin5G-UE-Service-id>", "<m:MSGin5G-UE-Service-id xmlns:m='%s'>" % namespace)
    request, said = registration(whole(inner))
    assert (request.opt.uri_host, said["oriAddr"]["addr"]) == ("192.0.2.77", UE)


@pytest.mark.parametrize(
    "common", ["", "<common/>", "<common></common>", "<common>\n <other-id>x</other-id></common>"]
)
def test_7_2_common_may_be_there_or_not(common):
    _, said = registration(whole(SERVICE_ID + ADDRESS, common=common))
    assert said["oriAddr"]["addr"] == UE


def test_7_2_text_is_what_xml_says_it_is():
    """Entities, numbers of characters, white space around, comments and instructions."""
    text = "<MSGin5G-UE-Service-id>\n  ue:a&amp;b&#64;&#x65;xample.org </MSGin5G-UE-Service-id>"
    comment = "<!-- <MSGin5G-UE-Service-id>ue:no</MSGin5G-UE-Service-id> --><?pi <MSGin5G-UE-Service-id>?>"
    _, said = registration(whole(comment + text + ADDRESS))
    assert said["oriAddr"]["addr"] == "ue:a&b@example.org"


@pytest.mark.parametrize(
    "xml",
    [
        whole(ADDRESS),  # the UE Service ID is mandatory
        whole("<MSGin5G-UE-Service-id></MSGin5G-UE-Service-id>" + ADDRESS),
        whole(SERVICE_ID + ADDRESS, head='<!DOCTYPE x [<!ENTITY a "b">]>'),
        whole(SERVICE_ID.replace("ue:s1@example.org", "<![CDATA[ue:s1]]>") + ADDRESS),
        whole(SERVICE_ID + ADDRESS)[:-80],
        "<",
    ],
    ids=["no UE", "empty UE", "DOCTYPE", "CDATA", "cut", "nothing"],
)
def test_7_2_what_cannot_be_read_configures_nothing(xml):
    core = configured(documents(xml))
    assert core.state == "refused" and core.requests == []
    core.run(80)
    assert core.requests[0].opt.uri_path[0] == "su-uc"  # and it asks again
