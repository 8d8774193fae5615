# SPDX-License-Identifier: MIT
"""The rooms of the firmware and what each imports, without what follows from other arrows."""

from tools.project.drawings.svg import Drawing

# {room: (left, top, width, what is in it)}; a line of the picture is a step down.
ROOMS = {
    "device": (250, 110, 300, "tasks, links, health, console"),
    "coap.aio": (640, 110, 220, "CoAP in asyncio"),
    "base": (20, 190, 170, "what no update replaces"),
    "msgin5g": (250, 190, 300, "client.py, application_client.py"),
    "msgin5g.application": (330, 270, 220, "MSGin5G-5"),
    "msgin5g.procedures": (330, 350, 220, "a file a procedure"),
    "msgin5g.outgoing": (330, 430, 220, "outbox, segments"),
    "msgin5g.incoming": (60, 430, 220, "inbox, reassembly"),
    "msgin5g.store": (195, 510, 220, "journal, message store"),
    "msgin5g.rules": (195, 590, 220, "states, retries"),
    "msgin5g.wire": (195, 670, 220, "JSON bodies, L3"),
    "coap.oscore": (600, 590, 180, "protection, its state"),
    "coap": (195, 750, 665, "messages, retransmission, blocks, observation"),
}
# (who imports, who is imported, where the arrow begins and ends: shares of the widths, None for a side)
ARROWS = (
    ("device", "msgin5g", 0.5, 0.5),
    ("device", "coap.aio", None, None),
    ("device", "base", 0.05, 0.85),
    ("msgin5g", "msgin5g.application", 0.633, 0.5),
    ("msgin5g", "msgin5g.incoming", 0.05, 0.6),
    ("msgin5g.application", "msgin5g.procedures", 0.5, 0.5),
    ("msgin5g.procedures", "msgin5g.outgoing", 0.5, 0.5),
    ("msgin5g.procedures", "coap.oscore", None, 0.5),
    ("msgin5g.outgoing", "msgin5g.store", 0.2, 0.75),
    ("msgin5g.incoming", "msgin5g.store", 0.8, 0.25),
    ("msgin5g.store", "msgin5g.rules", 0.5, 0.5),
    ("msgin5g.rules", "msgin5g.wire", 0.5, 0.5),
    ("msgin5g.wire", "coap", 0.5, 0.1654),
    ("coap.oscore", "coap", 0.5, 0.7444),
    ("coap.aio", "coap", 0.85, 0.9504),
)
HEIGHT = 48


def drawing():
    made = Drawing(
        900,
        830,
        "The rooms of the firmware from the application down to coap: "
        + ", ".join(f"{a} imports {b}" for a, b, *_ in ARROWS),
    )
    made.words(450, 22, "An arrow is an import; none goes up, none in a circle.", "small")
    app = made.box(250, 36, 300, HEIGHT, ["app.py", "the application"], "other")
    board = made.box(20, 110, 170, HEIGHT, ["boards/NAME", "board.py"], "other")
    boxes = {
        name: made.box(x, y, width, HEIGHT, [name.replace(".", "/"), what])
        for name, (x, y, width, what) in ROOMS.items()
    }
    made.arrow(app.bottom(), boxes["device"].top())
    made.arrow(board.right, boxes["device"].left)
    for above, below, start, end in ARROWS:
        begins = boxes[above].right if start is None else boxes[above].bottom(start)
        made.arrow(begins, boxes[below].left if end is None else boxes[below].top(end))
    return made
