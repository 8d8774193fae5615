# SPDX-License-Identifier: MIT
"""The bench measures what it says. Its long parts run by `make bench` alone; here are those that take seconds."""

import asyncio
import json
import sys
import types

import pytest

from tools import bench
from tools.bench import Row, air, flood, imported, instructions, line, oscore, request
from tools.emulator.client import provide
from tools.image import rp2

UUID = 36


def test_the_exchange_costs_less_than_its_budget():
    (row,) = instructions.measure()
    # Less than a third would mean that it did not run.
    assert row.budget == 180_000 < instructions.MICROCOAPY
    assert row.budget / 3 < row.measured <= row.budget


def test_what_a_device_imports_of_coap():
    """Its sources say what: whole modules, and not what they load with its first use, or name for a type checker."""
    lines = imported.imports()
    assert {"from coap.endpoint import Endpoint", "from coap.compat import const"} <= set(lines)
    assert not [line for line in lines if "oscore" in line or "blockwise" in line]


def test_importing_coap_costs_a_device_little_more_than_it_did(image):
    # Half of it would mean that it did not run.
    assert imported.GROWTH == 500
    assert imported.FROZEN / 2 < imported.frozen(image) <= imported.FROZEN + imported.GROWTH


def test_a_get_by_a_context(image):
    """It takes what it loads, and more than a request of 30 octets takes to make and its answer to read."""
    told = request.on_rp2040(image, {})
    assert {"coap.aio.context", "coap.endpoint"} <= set(told["modules"])
    assert 5000 < told["imported"] < told["idle"] < 20_000
    assert 2 < told["ms"] < 30
    assert request.file_of("coap.endpoint") == "coap/endpoint/__init__"
    assert request.file_of("coap.aio.context") == "coap/aio/context"


def test_what_oscore_adds_is_bounded_by_the_work_of_the_exchange():
    assert 50_000 < oscore.protect(100) <= instructions.MICROCOAPY


def test_octets_of_mqtt():
    # MQTT 3.1.1 section 3.3: 0x32 is PUBLISH with QoS 1; 2 + 3 + 2 + 5 = 12 follow
    assert air.publish(b"a/b", b"hello") == b"\x32\x0c\x00\x03a/b\x00\x01hello"
    # Section 2.2.3: 321 = 65 + 2 * 128 is 0xC1 0x02
    assert air.publish(b"a", bytes(316))[:3] == b"\x32\xc1\x02"
    # Five segments of 40 and: 2 + 2 + 22 + 2 + (16 + 24 + 20), 4, 2 + 2 + 23 + 2 + 17, 4, nothing
    assert air.mqtt_short() == 5 * 40 + 88 + 4 + 46 + 4


def test_octets_on_air():
    sizes, (message, report) = asyncio.run(air.exchange("none"))
    # TS 24.538 tables 7.3.4.1-1 and 7.3.4.2-1, with a message ID of 36 characters and a text of 20
    head = '{"msgIden":"urn:3gpp:msgin5g","msgType":"%s","oriAddr":{"oriAddrType":"%s","addr":"%s"},'
    head += '"destAddr":{"destAddrType":"%s","addr":"%s"},"msgId":"",'
    of_message = head % ("MSG", "UE", air.UE, "AS", air.AS)
    of_message += '"isDelivStatReq":true,"sfFlag":false,"payload":""}'
    of_report = head % ("IMDN", "AS", air.AS, "UE", air.UE) + '"DelSta":"success"}'
    assert len(message) == len(of_message) + UUID + 20
    assert len(report) == len(of_report) + UUID
    # RFC 7252: head 4, token 4, Uri-Path 1 + 7, Content-Format 1 + 1, marker 1; the answer has head and token
    assert sizes[:2] == [4 + 4 + 8 + 2 + 1 + len(message), 4 + 4]
    token = sizes[3] - 4  # the gateway chooses its length
    assert sizes[2] == 4 + token + 8 + 2 + 1 + len(report)


def test_octets_of_many():
    """TS 24.538 tables 7.3.4.1-1 and clause 6.4.1.1.3: what all have in common is there once, a msgId in each."""
    single, joined = asyncio.run(air.together(0)), asyncio.run(air.together(5))
    head = (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"MSG","oriAddr":{"oriAddrType":"UE","addr":"%s"},' % air.UE
    )
    head += '"destAddr":{"destAddrType":"AS","addr":"%s"},"msgId":"","sfFlag":false,' % air.AS
    request = 4 + 4 + 8 + 2 + 1 + len(head) + UUID
    assert single == [request + len('"payload":""}') + 20, 4 + 4] * air.MANY
    element = len('{"msgId":"","payload":""}') + UUID + 20

    def whole(count):
        return request + len('"totalMsgCount":8,"msgList":[]}') + count * (element + 1) - 1

    assert joined == [whole(8), 8, whole(8), 8, whole(4), 8]


@pytest.fixture(scope="module")
def image():
    provide()
    return rp2.build("rp2040", rp2.ROOT / "build/rp2040")


def test_the_board_on_the_line(image, tmp_path):
    size = 2048
    with line.board(image, tmp_path / "flash.bin", sends=True, size=size) as pico:
        assert int(pico.line("registered")[0]) <= 1500
        assert int(pico.line("idle")[0]) >= 150 * 1024
        for ms, octets in (line.send(pico), line.receive(pico, size)):
            # Base64 alone makes 4 of 3, and the line carries 11.52 octets a millisecond
            assert octets > size * 4 / 3
            assert octets / 11.52 < ms
    with line.board(image, tmp_path / "flash.bin", room=2048, size=size) as pico:
        with pytest.raises(line.SilentError):
            pico.line("ready", 5000)
            line.receive(pico, size)


def test_rows_and_exit_codes(monkeypatch, capsys):
    def part(*rows):
        module = types.ModuleType("tools.bench.made")
        module.measure = lambda: rows
        monkeypatch.setitem(sys.modules, "tools.bench.made", module)
        monkeypatch.setattr(bench, "PARTS", {"made": "A part"})

    def run(as_json):
        code = bench.main(types.SimpleNamespace(parts=[], json=as_json))
        return code, capsys.readouterr().out

    part(Row("one", 5, "octets", 5), Row("two", 5, "octets", 5, least=True), Row("three", 9, "ms"))
    code, out = run(False)
    assert code == 0 and "NOT KEPT" not in out and "<= 5 octets" in out and ">= 5 octets" in out
    part(Row("one", 6, "octets", 5))
    code, out = run(False)
    assert code == 1 and "NOT KEPT" in out
    part(Row("one", 4, "octets", 5, least=True, why="of the weather"))
    code, out = run(False)
    assert code == 0 and "NOT KEPT" in out and "not kept: of the weather" in out
    code, out = run(True)
    told = json.loads(out)
    assert (told["part"], told["what"], told["measured"], told["kept"]) == ("made", "one", 4, False)


def test_a_flood_is_measured():
    """What it measures are times of this computer, so no more than that all was served."""
    registered, messages, sent = asyncio.run(flood.play("wrong tag", False))
    assert registered > 0 and len(messages) == flood.MESSAGES and sent > 0
