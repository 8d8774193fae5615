# SPDX-License-Identifier: MIT
"""The way of a message with a report, from `send()` to "delivered": docs/architecture.md has its steps in words."""

from tools.project.drawings.svg import Drawing

LANES = (
    (80, "app.py", "", "other"),
    (250, "msgin5g", "outbox, states", "box"),
    (420, "flash", "messages/log-1", "store"),
    (590, "coap, link", "retransmission", "box"),
    (760, "gateway, server", "the store", "other"),
    (920, "AS", "msgin5g as", "other"),
)
APP, SERVICE, FLASH, COAP, SERVER, AS = (lane[0] for lane in LANES)
# (from, to, what, number of its step in docs/architecture.md, or "")
STEPS = (
    (APP, SERVICE, "send(...)", "1"),
    (SERVICE, FLASH, "record S", "2"),
    (SERVICE, APP, "Outgoing: queued", "3"),
    (SERVICE, COAP, "the body, MSG", "4"),
    (COAP, FLASH, "a number ahead", "5"),
    (COAP, SERVER, "CON POST, lost", "6"),
    (COAP, SERVER, "again, the same", "6"),
    (SERVER, COAP, "ACK 2.04", "7"),
    (COAP, SERVICE, "accepted", "7"),
    (SERVER, AS, "HTTP POST", ""),
    (AS, SERVER, "its report", ""),
    (SERVER, COAP, "CON POST, IMDN", "8"),
    (COAP, SERVICE, "delivered", "8"),
    (SERVICE, FLASH, "records A, E", "8"),
    (COAP, SERVER, "ACK 2.04", "8"),
    (SERVICE, APP, "wait() returns", "8"),
)
FIRST, STEP = 100, 34


def drawing():
    height = FIRST + STEP * len(STEPS) + 10
    made = Drawing(
        1000,
        height,
        "A message on its way: " + "; ".join(f"{number} {what}".strip() for *_, what, number in STEPS),
    )
    for x, name, what, kind in LANES:
        made.rule((x, 66), (x, height - 12))
        made.box(x - 72, 18, 144, 48, [name, what] if what else [name], kind)
    for number, (start, end, what, step) in enumerate(STEPS):
        y = FIRST + STEP * number
        lost = "lost" in what
        stop = (start + end) / 2 + 50 if lost else end
        made.arrow((start, y), (stop, y), "", dashed=lost)
        made.words((start + end) / 2, y - 6, what, "small")
        if step:
            made.words(14, y + 4, step, "title")
    return made
