# SPDX-License-Identifier: MIT
"""What lies on flash when: the records of one message out and one in. docs/flash-format.md has each kind."""

from tools.project.drawings.svg import Drawing

# {a life: ((what happens, records on flash then, those that wait in memory for the next write), ...)}
OUT = (
    ("send() returned", "VKS", ""),
    ("2.04: accepted", "VKS", "A"),
    ("IMDN: delivered", "VKSAE", ""),
)
IN = (
    ("MSG came, 2.04 goes", "VKR", ""),
    ("receive() returned", "VKRT", ""),
    ("its report: 2.04", "VKRT", "Q"),
    ("the next send()", "VKRTQS", ""),
)
LEGEND = (
    "V head, K checkpoint; S sent, A accepted, E ended; R received, T taken, Q its report was accepted.",
    "Dashed: in memory, and written with the next record. A cut before that repeats what the other side knows already.",
)
COLUMN, CELL = 210, 28


def drawing():
    made = Drawing(900, 310, "Records on flash: " + _said(OUT) + ". " + _said(IN))
    _life(made, 20, "A message out, with a report", OUT)
    _life(made, 140, "A message in, with a report", IN)
    for number, line in enumerate(LEGEND):
        made.words(20, 272 + 20 * number, line, "small", "start")
    return made


def _life(made, y, name, steps):
    made.words(20, y + 16, name, "title", "start")
    for number, (what, there, waiting) in enumerate(steps):
        x = 20 + COLUMN * number
        made.words(x, y + 44, what, "small", "start")
        for place, kind in enumerate(there):
            made.box(x + CELL * place, y + 54, CELL - 4, CELL, [(kind, "code")], "store")
        for place, kind in enumerate(waiting, len(there)):
            made.box(x + CELL * place, y + 54, CELL - 4, CELL, [(kind, "code")], "plain dashed")
        if number:
            made.arrow((x - 24, y + 68), (x - 8, y + 68))


def _said(steps):
    return ", ".join(
        f"{what}: {there}" + (f", {waiting} waits" if waiting else "") for what, there, waiting in steps
    )
