# SPDX-License-Identifier: MIT
"""The figures of README.md and pages of docs: blocks between two marks, which `make bench ARGS=--readme` fills.

Each line of a block is a row of the bench in other words. A figure that was not measured this time stays as it stands.
"""

import re
from typing import NamedTuple

from tools.bench import limits, results
from tools.errors import UsageError

BEGIN, END = "<!-- bench: written by make bench ARGS=--readme -->", "<!-- bench: end -->"
HEAD = "| what | measured | limit |\n| --- | --- | --- |\n"


class Line(NamedTuple):
    """`row` is the name of a row as results.named has it, `limit` that of its limit."""

    text: str
    part: str
    row: str
    limit: str | None = None

    @property
    def key(self):
        return self.part, self.row


BLOCKS = {
    "README.md": [
        Line(
            "interpreter work for a message of 100 octets, from `send()` to its answer",
            "instructions",
            "message of 100 octets, sent and accepted",
            "instructions.message",
        ),
        Line(
            "that work with OSCORE",
            "instructions",
            "message of 100 octets, sent and accepted: with OSCORE",
            "instructions.message_oscore",
        ),
        Line(
            "of it, CoAP's request and its answer alone",
            "instructions",
            "CoAP: POST of 100 octets and its answer",
            "instructions.exchange",
        ),
        Line(
            "RP2040, from power-on to registered",
            "line",
            "from power-on to registered, over UART",
            "line.registered",
        ),
        Line(
            "RP2040, free heap when registered and idle",
            "line",
            "free heap, registered and idle",
            "heap.idle_free",
        ),
        Line(
            "RP2040, highest heap use while 64 KiB arrive, above idle",
            "line",
            "highest heap use while 64 KiB arrive, above idle",
            "heap.segments",
        ),
        Line(
            "RP2040, heap of `coap`, `msgin5g` and `device` with a Client that sends, frozen",
            "rp2040",
            "heap of coap + msgin5g + device that send, frozen",
            "heap.core_frozen",
        ),
        Line(
            "the same from `.mpy` files",
            "rp2040",
            "all modules as .mpy files, their size: those that send, from .mpy files",
            "heap.core_mpy",
        ),
        Line(
            "RP2040, an idle `coap.aio.Context` with its code",
            "request",
            "heap of a Context that is idle, with them",
            "heap.context",
        ),
        Line(
            "RP2040, from `send()` of 64 KiB to the first octet on a line of 115,200 baud",
            "line",
            "from send() of 64 KiB to the first octet",
            "line.first_octet",
        ),
        Line(
            "64 KiB sent, from `send()` to the last answer, of what the encoding allows",
            "line",
            "64 KiB sent at 115200 baud: the one of the other",
            "line.goodput_out",
        ),
        Line(
            "64 KiB received",
            "line",
            "64 KiB received at 115200 baud: the one of the other",
            "line.goodput_in",
        ),
        Line(
            "64 KiB received, two segments at once, with RTS/CTS",
            "line",
            "64 KiB received, two segments at once, RTS/CTS: the one of the other",
            "line.goodput_in_window",
        ),
        Line(
            "RP2040, awake in a day with a reading every 15 min and a message to it every hour, listening for 10 s "
            "every 15 min",
            "sleep",
            "awake in a day with windows of 10 s every 15 min",
            "sleep.awake",
        ),
        Line(
            "its octets on the line in that day",
            "sleep",
            "octets on the line in the day with windows",
            "sleep.octets",
        ),
        Line(
            "RP2040, to protect 100 octets with OSCORE",
            "oscore",
            "OSCORE, POST of 100 octets: added: to protect, RP2040",
            "oscore.protect_ms",
        ),
        Line(
            "a message of 20 octets with its report, on the air; over MQTT it is 786",
            "air",
            "message of 20 octets with report",
            "air.reported",
        ),
        Line(
            "with OSCORE; over MQTT with TLS it is 874",
            "air",
            "message of 20 octets with report: with OSCORE",
            "air.reported_oscore",
        ),
        Line(
            "20 messages of 20 octets, aggregated; each by itself they are 7,060",
            "air",
            "20 messages of 20 octets, aggregated",
            "air.together",
        ),
        Line(
            "a message with its report on a network that loses 30 % each way",
            "loss",
            "a message with its report, 30 % lost",
            "loss.datagrams_30",
        ),
        Line(
            "the server's time for a message at 10,000 registered devices, of that at 100",
            "flat",
            "a message at 10,000 devices",
            "flat.registered",
        ),
        Line(
            "the same with 5,000 recipients in back-off, 1,000 open sets of segments and 19,000 stored messages",
            "flat",
            "a message with all of these",
            "flat.loaded",
        ),
        Line(
            "messages accepted a second of 50 devices, on disk before each 2.04, of those that a bare aiocoap echoes",
            "accepted",
            "accepted by the gateway: of the echo",
            "accepted.plain",
        ),
        Line("that share with OSCORE", "accepted", "accepted with OSCORE: of the echo", "accepted.oscore"),
    ],
    "docs/bench.md": [
        Line(
            "instructions: a message of 100 octets, kept over a power cut, accepted",
            "clients",
            "message sent and accepted",
            "instructions.message",
        ),
        Line("umqtt.simple, QoS 1", "clients", "message sent and accepted: umqtt.simple, QoS 1"),
        Line(
            "mqtt_as, QoS 1, its waiting left out",
            "clients",
            "message sent and accepted: mqtt_as, QoS 1, its waiting left out",
        ),
        Line(
            "instructions: CoAP's POST of 100 octets and its answer",
            "clients",
            "CoAP: POST and its answer",
            "instructions.exchange",
        ),
        Line("microCoAPy", "clients", "CoAP: POST and its answer: microCoAPy"),
        Line(
            "on the air: a message of 20 octets with its report",
            "air",
            "message of 20 octets with report",
            "air.reported",
        ),
        Line(
            "umqtt.simple over mosquitto, QoS 1, the same bodies",
            "air",
            "message of 20 octets with report: umqtt.simple and mosquitto, QoS 1",
        ),
        Line(
            "on the air with OSCORE",
            "air",
            "message of 20 octets with report: with OSCORE",
            "air.reported_oscore",
        ),
        Line(
            "MQTT QoS 1 with TLS 1.3, worked out",
            "air",
            "message of 20 octets with report: MQTT QoS 1 with TLS 1.3, worked out",
        ),
        *[
            line
            for loss in (0, 10, 20, 30)
            for line in (
                Line(
                    f"until delivered and reported, {loss} % lost each way",
                    "loss",
                    f"a message with its report, {loss} % lost",
                    f"loss.datagrams_{loss}",
                ),
                Line(
                    f"mean time, {loss} %",
                    "loss",
                    f"a message with its report, {loss} % lost: delivered after, mean at {loss} %",
                    f"loss.seconds_{loss}",
                ),
            )
        ],
    ],
    "docs/updates.md": [
        Line(
            f"W{width}: {what}",
            "signature",
            f"signature of an update, W{width}, verified" + (f": {row}" if row else ""),
            limit and limit.format(width),
        )
        for width in (4, 8)
        for what, row, limit in (
            ("octets of a signature", "octets of the signature", None),
            ("to verify it on an RP2040", "on an RP2040", "signature.w{}"),
            ("its work", "", None),
            ("heap meanwhile, beside it", "heap meanwhile, beside the signature", "signature.heap"),
        )
    ],
    "docs/security.md": [
        Line(
            f"{octets:d} octets, {what}",
            "oscore",
            f"OSCORE, POST of {octets} octets: added" + (f": {row}" if row else ""),
            "oscore.protect_ms" if (octets, row) == (100, "to protect, RP2040") else None,
        )
        for octets in (20, 100, 1024)
        for what, row in (
            ("octets more on the air", ""),
            ("to protect", "to protect"),
            ("to unprotect", "to unprotect"),
            ("to protect on an RP2040", "to protect, RP2040"),
            ("to unprotect on an RP2040", "to unprotect, RP2040"),
        )
    ],
}


def write(parts, root=results.ROOT):
    """Writes the figures of these parts into the files below `root`."""
    rows = results.named(parts)
    for name, lines in BLOCKS.items():
        path = root / name
        text = path.read_text()
        known = figures(name, text)
        for line in lines:
            if line.part in parts:
                known |= _measured(line, rows.get(line.key))
        path.write_text(replaced(name, text, known))


def _measured(line, row):
    """{Line.key: (figure, unit)} of a row; empty where its figure could not be had."""
    if row is None:
        raise UsageError(f"bench: {line.part} has no row {line.row!r} any more: change its line in readme.py")
    if row.get("limit") != line.limit:
        raise UsageError(f"bench: {line.row} has the limit {row.get('limit')}, and {line.limit} in readme.py")
    return {} if row["measured"] is None else {line.key: (row["measured"], row["unit"])}


def replaced(name, text, known):
    """The text with a block of these figures."""
    before, _, after = _parted(name, text)
    return f"{before}{BEGIN}\n\n{block(name, known)}\n{END}{after}"


def block(name, known):
    """The table of a file; `known` is {Line.key: (figure, unit)}."""
    return HEAD + "".join(_line(line, known.get(line.key)) for line in BLOCKS[name])


def _line(line, figure):
    measured = f"{figure[0]:,} {figure[1]}".strip() if figure else "not measured yet"
    said = ""
    if line.limit:
        limit = limits.of(line.limit)
        said = f"at {'least' if limit.least else 'most'} {limit.value:,} {limit.unit}"
        if figure and not limit.keeps(figure[0]):
            said += f": **not kept**, {limit.why}"
    return f"| {line.text} | {measured} | {said} |\n"


def figures(name, text):
    """{Line.key: (figure, unit)} as a file has them. What the block does not have any more is left out."""
    keys = {line.text: line.key for line in BLOCKS[name]}
    found = {}
    for row in _parted(name, text)[1].splitlines():
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        number = re.match(r"([\d,.]+) ?(.*)", cells[1]) if len(cells) == 3 and cells[0] in keys else None
        if number:
            plain = number[1].replace(",", "")
            found[keys[cells[0]]] = (float(plain) if "." in plain else int(plain)), number[2]
    return found


def written(limit, root=results.ROOT):
    """What the blocks below `root` have of the figure with this limit; empty where nothing, or nothing yet."""
    found = []
    for name, lines in BLOCKS.items():
        known = figures(name, (root / name).read_text())
        found += [known[line.key][0] for line in lines if line.limit == limit and line.key in known]
    return found


def _parted(name, text):
    before, begin, rest = text.partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(f"bench: {name} has no place for the figures: the lines {BEGIN} and {END}")
    return before, inside, after
