# SPDX-License-Identifier: MIT
"""The XML of a UE configuration: TS 24.538 clause 7.2, as a device without an XML library reads it."""

from common import equal, raises
from msgin5g.wire.configuration_xml import read
from msgin5g.wire.identifiers import BodyError

# The document that clause 7.2 describes, typed from its text: root and children of TS 24.546 clause 6.3, the three
# elements of the extension in <on-network>. The base schema gives the last one prefix and namespace of its own.
WHOLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<seal-UE-configuration xmlns="urn:3gpp:ns:seal:sealUEConfig:1.0"
    xmlns:msg="urn:3gpp:ns:seal:MSGin5GUEConfig:1.0" domain="example.org">
  <VAL-UE-id><Instance-ID-URN>urn:imei:35-209900-176148-1</Instance-ID-URN></VAL-UE-id>
  <VAL-service-id>urn:3gpp:msgin5g</VAL-service-id>
  <common/>
  <on-network>
    <msg:MSGin5G-Server-address>coap://192.0.2.1</msg:MSGin5G-Server-address>
    <msg:MSGin5G-UE-Service-id>ue:s1@example.org</msg:MSGin5G-UE-Service-id>
    <msg:Segment-size>1024</msg:Segment-size>
  </on-network>
</seal-UE-configuration>
"""
LEAST = b"<a><MSGin5G-UE-Service-id>%s</MSGin5G-UE-Service-id></a>"


def member(octets, name="ueServiceId"):
    return read(octets).get(name)


def wrong(octets):
    error = raises(BodyError, read, octets)
    equal(error.member, "configData")
    return str(error)


def test_the_document_of_clause_7_2():
    equal(
        read(WHOLE),
        {"serverAddr": "coap://192.0.2.1", "ueServiceId": "ue:s1@example.org", "segSize": "1024"},
    )


def test_names_are_local_whatever_the_prefix_and_the_namespace():
    # The namespace of the extension is printed with a blank in it.
    for text in (
        b'<r xmlns="urn:3gpp:ns:seal: MSGin5GUEConfig:1.0"><MSGin5G-UE-Service-id>ue:a@x</MSGin5G-UE-Service-id></r>',
        b"<q:r><w:MSGin5G-UE-Service-id >ue:a@x</w:MSGin5G-UE-Service-id\n></q:r>",
        b"<r><MSGin5G-UE-Service-id a='>' b=\"/>\" c='\"'>ue:a@x</MSGin5G-UE-Service-id></r>",
        b"\xef\xbb\xbf<r><MSGin5G-UE-Service-id>\n ue:a@x\t</MSGin5G-UE-Service-id></r>\n",
        b"<r><x/><y z='1'/><MSGin5G-UE-Service-id>ue:a@x</MSGin5G-UE-Service-id></r><!-- end --><?end?>",
    ):
        equal((text, member(text)), (text, "ue:a@x"))


def test_what_is_not_ours_is_passed_over():
    equal(read(b"<r><on-network><Else>1</Else></on-network></r>"), {})
    equal(read(b"<r/>"), {})
    equal(member(LEAST % b""), "")
    # the first of two counts
    equal(member(b"<r><Segment-size>1</Segment-size><Segment-size>2</Segment-size></r>", "segSize"), "1")


def test_entities_and_characters():
    for written, meant in (
        (b"a&lt;b&gt;c&amp;d&quot;e&apos;f", "a<b>c&d\"e'f"),
        (b"&#65;&#x42;&#x1F4A1;&#233;", "AB\U0001f4a1\xe9"),
        (b"&amp;lt;", "&lt;"),
        ("ü\u4f60".encode(), "ü\u4f60"),
        (b"ue:a<!-- a comment & more < > -->@x<?a ?>", "ue:a@x"),
    ):
        equal((written, member(LEAST % written)), (written, meant))


def test_wrong_references():
    for written in (
        b"&nbsp;",
        b"&",
        b"&lt",
        b"&#;",
        b"&#x;",
        b"&#xg;",
        b"&#1a;",
        b"&#0;",
        b"&#xD800;",
        b"&#x110000;",
    ):
        assert "reference" in wrong(LEAST % written), written
    assert "reference" in wrong(LEAST % b"&#99999999999999999999;")
    assert "reference" in wrong(LEAST % b"&#8;")  # no character of XML 1.0


def test_declarations_that_make_xml_dangerous_are_refused():
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]><r>&b;</r>'
    for text in (
        bomb,
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
        LEAST % b"<![CDATA[ue:a@x]]>",
        b"<r><!ENTITY a 'b'></r>",
        b"<r><![CDATA[ ]]></r>",
    ):
        assert "DOCTYPE" in wrong(text), text


def test_what_is_not_well_formed():
    for text in (
        b"",
        b"ue:a@x",
        b"<",
        b"<r",
        b"<r>",
        b"<r></s>",
        b"<r></r></r>",
        b"<r></r><s></s>",
        b"<r></r>text",
        b"text<r></r>",
        b"<r><a></r></a>",
        b"<p:r></q:r>",
        b"<></>",
        b"<r a='></r>",
        b"<!-- <r></r>",
        b"<?xml <r></r>",
        b"< r></ r>",
        b"<r><MSGin5G-UE-Service-id>ue:<b/>a@x</MSGin5G-UE-Service-id></r>",
        LEAST % b"\xff",
    ):
        wrong(text)
    for end in range(0, len(WHOLE) - 2):
        wrong(WHOLE[:end])


def test_size_and_depth_are_bounded():
    text = LEAST % (b"x" * (4096 - len(LEAST) + 2))
    equal((len(text), len(member(text))), (4096, 4096 - len(LEAST) + 2))
    assert "4096" in wrong(text + b" ")
    equal(member(b"<a>" * 15 + LEAST % b"x" + b"</a>" * 15), "x")
    assert "deep" in wrong(b"<a>" * 500 + b"</a>" * 500)
