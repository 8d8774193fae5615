# SPDX-License-Identifier: MIT
"""Instructions for a message of 100 octets, beside those of MQTT clients and of a CoAP library that others take.

Not all do the same. Ours keeps the message over a power cut, tries again for as long as it lives, and tells what became
of it; with QoS 1 the broker has it when PUBACK comes, and who sends it again is the application.
"""

from pathlib import Path

from tools.bench import Row
from tools.bench.device import instructions
from tools.bench.peers import packages

LOADS = Path(__file__).parent / "loads"
MESSAGE, EXCHANGE = "Instructions of a message of 100 octets", "Instructions of a CoAP exchange of 100 octets"
# The package, its load and the call; what the row says
OTHERS = {
    MESSAGE: (
        ("umqtt.simple", "of_umqtt_simple", "publish()", "  umqtt.simple, QoS 1"),
        ("mqtt_as", "of_mqtt_as", "publish()", "  mqtt_as, QoS 1, its waiting left out"),
    ),
    EXCHANGE: (("microcoapy", "of_microcoapy", "exchange()", "  microCoAPy"),),
}


def measure():
    _, limit, call, prepare = instructions.MESSAGES[0]
    count = instructions.each("message", call, prepare)
    yield Row("message sent and accepted", count, "instr.", f"instructions.{limit}", chart=MESSAGE)
    yield from others(MESSAGE)
    count = instructions.each("exchange", "exchange()")
    yield Row("CoAP: POST and its answer", count, "instr.", "instructions.exchange", chart=EXCHANGE)
    yield from others(EXCHANGE)


def others(chart):
    """Rows of the clients of others that belong to this chart."""
    for name, load, call, what in OTHERS[chart]:
        count, needs = None, packages.advice(name)
        if folder := packages.folder_with(name):
            count, needs = instructions.each(load, call, folders=(LOADS, folder)), ""
        yield Row(what, count, "instr.", chart=chart, by=what.strip(), needs=needs)
