# SPDX-License-Identifier: MIT
"""Messages until they are delivered, on a network that loses datagrams, in virtual time: what becomes of each follows
from a seed. The server says yes to all and reports on each message; datagrams take 100 ms each way.

How the same goes over MQTT is not measured: TCP retransmits in the kernel, by its own clock, and to lose its segments
takes netem, which is for root alone.
"""

import json

from tools.bench import Row
from tools.bench.device import unix
from tools.bench.device.instructions import LOADS
from tools.image import bytecode

LOSSES = (0, 10, 20, 30)  # percent, each way
SEED, MESSAGES = 1, 200
CODE = "import json\nfrom lossy import deliver\nprint(json.dumps(deliver(%d, %d, %d)))"
DATAGRAMS, SECONDS = (
    "Datagrams a message until delivered, by loss",
    "Seconds until a message is delivered, by loss",
)
NEEDS = "TCP retransmits in the kernel, and to lose its segments takes netem, which is for root alone"


def measure():
    for loss in LOSSES:
        sent, times = deliver(loss)
        what = f"a message with its report, {loss} % lost"
        row = f"loss.datagrams_{loss}", f"loss.seconds_{loss}"
        yield Row(what, round(sum(sent) / len(sent), 3), "datagrams", row[0], chart=DATAGRAMS)
        mean = round(sum(times) / len(times) / 1000, 3)
        yield Row(f"  delivered after, mean at {loss} %", mean, "s", row[1], chart=SECONDS)
        yield Row("  the slowest", max(times) / 1000, "s")
    yield Row("the same over MQTT", None, "datagrams", needs=NEEDS)


def deliver(loss, seed=SEED, messages=MESSAGES):
    """(datagrams, ms) of each message until the device knows that it was delivered."""
    return json.loads(unix.run(CODE % (loss, seed, messages), LOADS, bytecode.firmware()))
