# SPDX-License-Identifier: MIT
"""docs/messages.md: what it shows is what the firmware and the gateway say to each other today."""

import asyncio
import re

import pytest

from tools.project.worked import binary, octets
from tools.project.worked.page import MARKED, PAGE, rendered
from tools.project.worked.story import fields, tell


@pytest.fixture(scope="module")
def story():
    return asyncio.run(tell())


def test_the_page_shows_what_is_said_today(story):
    text = PAGE.read_text()
    assert rendered(story, text) == text, "`python -m tools.project.worked.page` writes it anew"


def test_each_message_type_of_the_standard_and_of_this_project_is_shown(story):
    # Clause 7.1 has REG, DEREG, MSG, MSGRESP, IMDN, SEGREC and SEGCONFIR; clause 6.3 adds the others; MSGUPD is a
    # proposal (docs/wire-profile.md).
    coap = [each for name, each in story.shown.items() if name != "trigger" and name[:3] != "l3-"]
    types = {fields(each.request)[1].get("msgType") for each in coap}
    assert types >= {
        *("REG", "DEREG", "GWREG", "BREG", "REGRESP", "DEREGRESP"),
        *("MSG", "MSGRESP", "IMDN", "SEGREC", "SEGCONFIR", "MSGUPD"),
    }
    shown = {each.request[0] for name, each in story.shown.items() if name[:3] == "l3-"}
    assert shown == binary.MESSAGES.keys()


def test_a_message_is_read_as_rfc_7252_prints_it():
    """Figure 16 of RFC 7252 appendix A: a Confirmable GET of /temperature, and its response 22.3 C."""
    request = bytes.fromhex("40017d34bb74656d7065726174757265")
    assert octets.title(request) == "GET /temperature, Confirmable"
    assert octets.listing(request).split("\n") == [
        "40 01 7d 34                          version 1, CON, Token of 0 octets; 0.01 GET; Message ID",
        'bb 74 65 6d 70 65 72 61 74 75 72 65  Uri-Path (11) "temperature"',
    ]
    response = bytes.fromhex("60457d34ff32322e332043")
    assert (octets.title(response), octets.body(response)) == ("2.05, in the Acknowledgement", "22.3 C")
    assert octets.listing(response).split("\n")[-1] == "32 32 2e 33 20 43"


def test_what_is_drawn_counts_and_nothing_gets_longer():
    names = octets.Names()
    first = bytes.fromhex("4402beefdeadbeef") + b'\xff{"msgId":"0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d"}'
    counted = names.datagram(first)
    assert len(counted) == len(first)
    assert counted[:8] == bytes.fromhex("44021001a0000001")
    assert counted[8:] == b'\xff{"msgId":"00000001-3c0a-4dd7-8a44-1d2f3a4b5c6d"}'
    assert names.datagram(first) == counted
    other = names.datagram(bytes.fromhex("4402beeedeadbeee"))
    assert other == bytes.fromhex("44021002a0000002")
    both = b'{"segId":"0123456789abcdef","group":"a0f826e8ef5674e2"}'  # each may be drawn, whatever it begins with
    assert names.body(both) == b'{"segId":"a000000000000001","group":"d000000000000001"}'
    names.begin()  # two peers draw the same Message ID by chance
    assert names.datagram(bytes.fromhex("4402beefdeadbeef")) == bytes.fromhex("44021003a0000001")


def test_a_binary_message_is_cut_into_the_fields_of_annex_a_2():
    """A.2.1.1: type 1; the target, its length over type and address; 16 octets of Message ID; the payload behind two
    octets of length; optional elements by their IEI."""
    message = bytes.fromhex("01 05 01 c0 00 02 07" + "11" * 16 + "0002 6869" + "0a 0102" + "b1")
    assert binary.fields(message) == [
        ("Message type: MESSAGE SENDING REQUEST", b"\x01"),
        ("Target address", bytes.fromhex("0501c0000207")),
        ("Message ID", b"\x11" * 16),
        ("Payload", b"\x00\x02hi"),
        ("Application ID, optional", bytes.fromhex("0a0102")),
        ("Delivery Status Required, optional", b"\xb1"),
    ]


def test_a_mark_for_each_and_none_twice(story):
    names = [name for _, name, _ in MARKED.findall(PAGE.read_text())]
    assert sorted(names) == sorted(story.shown)
    text = "<!-- shown: reg -->\n<!-- end -->\n"
    with pytest.raises(ValueError, match="one mark for each"):
        rendered(story, text)
    assert re.search("<!-- shown: msg -->\n.", PAGE.read_text())
