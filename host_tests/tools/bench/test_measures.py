# SPDX-License-Identifier: MIT
"""The bench measures what it says. Its long parts run by `make bench` alone; here are those that take seconds."""

import asyncio
import re

import pytest

from tools.bench import limits, readme, results
from tools.bench.device import imported, instructions, line, loss, oscore, request, rp2040, signature
from tools.bench.peers import air
from tools.bench.server import devices, flood
from tools.emulator.client import provide
from tools.image import rp2

UUID = 36


def hold(limit, measured):
    """It is within its limit, and near what README.md and docs/bench.md say: `make bench ARGS=--readme` writes them
    after a run of the whole bench, and no hand writes what was not measured."""
    assert limits.of(limit).holds(measured), limit
    for figure in readme.written(limit):
        assert max(figure / measured, measured / figure) <= results.APART, (limit, measured, figure)


def test_instructions_are_within_their_limits():
    rows = {row.limit.partition(".")[2]: row for row in instructions.measure()}
    for row in rows.values():
        # Less than a third would mean that it did not run.
        hold(row.limit, row.measured)
        assert (row.known.held or row.known.value) / 3 < row.measured
    # A message has an exchange in it, OSCORE adds to that, and a report is another message.
    plain = rows["exchange"].measured + rows["next_deadline"].measured
    assert plain < rows["message"].measured < rows["message_oscore"].measured
    assert rows["exchange"].measured < rows["refresh"].measured < rows["received"].measured
    # The table of docs/bench.md: in thousands, the limits as they are
    table = re.findall(
        r"^\| [^|]+ \| [\d,]+ \| ([\d,]+) \| ([\d,]+)[^|]* \|$",
        (results.ROOT / "docs/bench.md").read_text(),
        re.M,
    )
    table = [[int(cell.replace(",", "")) for cell in row] for row in table]
    named = [row for name, row in rows.items() if name != "exchange"]
    for (now, limit), row in zip(table, named, strict=True):
        assert limit == row.known.value
        assert max(now / row.measured, row.measured / now) <= results.APART, row.limit


def test_what_a_device_imports_of_coap():
    """Its sources say what: whole modules, and not what they load with its first use, or name for a type checker."""
    lines = imported.imports()
    assert {"from coap.endpoint import Endpoint", "from coap.compat import const"} <= set(lines)
    assert not [line for line in lines if "oscore" in line or "blockwise" in line]


def test_importing_coap_costs_a_device_little_more_than_it_did(image):
    # Half of it would mean that it did not run.
    limit, octets = limits.of("heap.coap_imports"), imported.frozen(image)
    assert limit.value / 2 < octets and limit.holds(octets)


def test_what_a_client_that_sends_takes_of_the_heap(image, tmp_path):
    # Half of it would mean that it did not run.
    for name, modules in (("core_frozen", {}), ("core_mpy", rp2040.compiled(tmp_path))):
        octets = rp2040.heap(image, tmp_path / name, modules)[2]
        assert limits.of(f"heap.{name}").value / 2 < octets
        hold(f"heap.{name}", octets)


def test_a_get_by_a_context(image):
    """It takes what it loads, and more than a request of 30 octets takes to make and its answer to read."""
    told = request.on_rp2040(image, {})
    assert {"coap.aio.context", "coap.endpoint"} <= set(told["modules"])
    assert 4000 < told["imported"] < told["idle"]
    hold("heap.context", told["idle"])
    assert 2 < told["ms"] < 30
    assert request.file_of("coap.endpoint") == "coap/endpoint/__init__"
    assert request.file_of("coap.aio.context") == "coap/aio/context"


def test_what_oscore_adds_is_bounded_by_the_work_of_the_exchange():
    count = oscore.protect(100)
    assert 50_000 < count and limits.of("instructions.oscore_protect").holds(count)


def test_a_signature_that_is_verified(image):
    ((octets, ms, heap),) = signature.on_rp2040([4])
    # RFC 8554 sections 4.5, 5.4 and 6.2: Nspk, q, type, C and 67 hashes, type, 10 hashes
    assert octets == 4 + 4 + 4 + 68 * 32 + 4 + 10 * 32
    hold("signature.w4", ms)
    hold("signature.heap", heap)


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
    hold("air.reported", sum(sizes) + 4 * air.UDP)


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
    assert limits.of("air.together_datagrams").holds(len(joined))
    hold("air.together", sum(joined) + len(joined) * air.UDP)


@pytest.fixture(scope="module")
def image():
    provide()
    return rp2.build("rp2040", rp2.ROOT / "build/rp2040")


@pytest.mark.slow
def test_the_board_on_the_line(image, tmp_path):
    size = 2048
    with line.board(image, tmp_path / "flash.bin", sends=True) as pico:
        hold("line.registered", int(pico.line("registered")[0]))
        hold("heap.idle_free", int(pico.line("idle")[0]))
        sent = line.send(pico)
        assert 0 < sent.began and limits.of("line.first_octet").holds(sent.began)
        # all of it is on flash when send() returns, before the last segment goes out
        assert sent.began < sent.kept < sent.done
        assert limits.of("line.goodput_out").holds(sent.share(sent.done))
        told = (line.LARGE, sent.done - sent.began, sent.octets), (size, *line.receive(pico, size))
        for carried, ms, octets in told:
            # Base64 alone makes 4 of 3, and the line carries 11.52 octets a millisecond
            assert octets > carried * 4 / 3
            assert octets / 11.52 < ms
    with line.board(image, tmp_path / "flash.bin", room=2048, size=size) as pico:
        with pytest.raises(line.SilentError):
            pico.line("ready", 5000)
            line.receive(pico, size)


def test_messages_on_a_network_that_loses():
    """All are delivered, or it would have said so. Four datagrams are one message, and 200 ms are there and back; who
    waits for an answer that was lost waits for 2 s at least (RFC 7252 section 4.2: ACK_TIMEOUT)."""
    sent, times = loss.deliver(0, messages=20)
    assert (sent, times) == ([4] * 20, [200] * 20)
    sent, times = loss.deliver(20, messages=20)
    again = [(count, ms) for count, ms in zip(sent, times, strict=True) if ms > 200]
    assert again and all(count > 4 and ms >= 2000 for count, ms in again)
    assert loss.deliver(20, messages=20) == [sent, times] != loss.deliver(20, loss.SEED + 1, 20)


def test_what_devices_cost_a_server():
    """Each is listed: a line more of the page and a member more of /status.json, which names the UE."""
    ram, pages = asyncio.run(devices.told((10, 30)))
    assert list(ram) == [10, 30]
    for path in devices.PAGES:
        (few, _), (many, seconds) = pages[10, path], pages[30, path]
        assert many - few > 20 * len("ue:sensor-10@example.org") and seconds > 0


def test_a_flood_is_measured():
    """What it measures are times of this computer, so no more than that all was served."""
    registered, messages, sent = asyncio.run(flood.play("wrong tag", False))
    assert registered > 0 and len(messages) == flood.MESSAGES and sent > 0
