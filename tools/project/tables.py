# SPDX-License-Identifier: MIT
"""The pages that are made of tables of the firmware: `python -m tools.project.tables` writes them anew."""

import importlib
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

# What a kind of request is, where its name alone does not say it.
REQUESTS = {
    "MSG": "message, or a segment of one",
    "IMDN": "delivery report",
    "SEGCONFIR": "end of a set of segments",
    "SEGREC": "asking for missing segments",
    "SUB": "subscribing to a topic, or to the own groups",
    "UNSUB": "unsubscribing",
    "GROUP": "joining, leaving, asking for members",
    "REG": "GWREG, REG",
    "CONFIG": "asking for the configuration",
}
VERDICTS = {"d": "done", "e": "end", "a": "again", "r": "register, again", "l": "refused"}
CODES = {
    0x00: "no answer, Reset",
    0x40: "2.xx",
    0x80: "4.00 and any 4.xx not below",
    0xA0: "5.00 and any 5.xx not below",
    0x100: "any other cause",
    0x104: "cause 4, connection is not available anymore",
    0x105: "cause 5, lack of resources",
    0x106: "cause 6, congestion situation",
}

RETRIES = """\
# What is sent again, and when

Made of the table in `firmware/msgin5g/rules/policy.py` by `make tables`; every request of the device reads that table.

{table}

- **done**: the other side has it.
- **end**: it has failed, the same would fail again. A message ends as `failed` with the code and the diagnostic as its
  `cause`; a report is counted in `reports_refused`; what is unsubscribed counts as unsubscribed; DEREG is over
  either way.
- **again**: it is sent again after the back-off of its kind.
- **register, again**: the device registers anew, and sends it as soon as that stands. If the same is said again,
  the request waits for its back-off, too, so that nothing else waits for it.
- **refused**: the other side does not want to. A registration is tried again with the back-off `refusal`; a topic
  that was granted before likewise, one that never was is given up.

A code that is not in the table is what the x.00 of its class is (RFC 7252 section 5.9). The causes are those of
TS 24.538 clause A.2.2.17, which a gateway says on MSGin5G-5.

## Back-offs

{backoffs}

Each wait has 25 % of jitter either way. Max-Age of the answer comes before that, an hour at most; of a peer that says a
short one for ever an eighth of the schedule counts. Once the peer is heard of again, what waits because of silence is
tried at once, one time. Only messages to the same destination wait for one another.

{requests}

## What is not confirmable

With `coap.confirmable` `"spec"` a MSG that wants no report goes out Non-confirmable, whole, joined with others, or a
segment of it. Every other request is Confirmable in either case, and CoAP repeats it by itself.

- **the MSG is lost, or the answer to it**: after 2 ACK_TIMEOUT, 4 s by default, it goes again, Confirmable, and the
  server takes it once. Only where that is silent, too, the back-off `resend` begins.
- **it is refused, and has to go again**: Confirmable, after the back-off.
- **a segment, or the answer to it**: likewise, and the next one is Non-confirmable again. In place of the answer to the
  last one SEGCONFIR will do.
- **SEGREC asks for the segment that is on the air**, Confirmable or not: it is lost, and goes again at once.
- **SEGREC asks for later ones only**: the answer was lost, and the next segment goes at once.
- **nobody answers**: as long as any message has to go again all are Confirmable. More than the first that is not would
  break PROBING_RATE (RFC 7252 section 4.7).

A new back-off is a row of `BACKOFFS` and its name in `REQUESTS`, a new kind of request a row of `REQUESTS`, in that one
file.
"""


STATES = """
# States

{files}
Nothing else changes a state. An event that has no state in its column changes nothing.
"""

# The modules with tables of states
STATED = (
    "msgin5g.rules.states",
    "msgin5g.rules.subscriptions",
    "msgin5g.procedures.groups",
    "msgin5g.incoming.reassembly",
    "coap.observe",
)

# (name of the table, title, words)
MACHINES = (
    (
        "REGISTRATION",
        "Registration",
        "Of a Client (clauses 6.3.1, 6.3.4, 6.3.5) and of an ApplicationClient (clause 6.3.2), which knows neither\n"
        "`bulked` nor `expired`. `client.registered` is true in `registered` and `de-registering`.",
    ),
    (
        "OUTGOING",
        "A message on its way out",
        "`goes`: on the air. `back`: it goes again, or its next segment does. `whole`: all its segments are there.\n"
        "`asked`: SEGREC. `closed`, or `shelved` where the server stores it: no report was asked for, or none came in\n"
        "time. `final` is true where no event changes it any more. After a restart it is `queued` or `accepted`.",
    ),
    (
        "SUBSCRIPTION",
        "A subscription to a topic, or to the own groups",
        "Clauses 6.6 and 6.8.3. It begins as `subscribing`, after a restart as `resuming` or `unsubscribing`.",
    ),
    (
        "CALL",
        "A call about a group",
        "Clause 6.8.3: to join, to leave, who the members are. `found` is the group, and the device's place in it.",
    ),
    (
        "SEGMENTS",
        "A set of segments on its way in",
        "Clause 6.5.1.2. The application sees none of it.",
    ),
    (
        "OBSERVATION",
        "An observed resource",
        "The client's side of RFC 7641, in `coap`. `observation.established` is true in `observed`, `renewing` and\n"
        "`cancelling`: what the peer notifies is told then.",
    ),
)


def _firmware():
    """Let the packages of the firmware be imported."""
    path = str(ROOT / "firmware")
    if path not in sys.path:
        sys.path.append(path)


def grid(head, rows):
    """Return a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _seconds(ms):
    return f"{ms / 1000:g} s"


def _code(code):
    return CODES.get(code) or f"{code >> 5}.{code & 31:02}"


def rows_of(table):
    """Return (state, word, {event: state after it}) of each state."""
    names, words, events, places = table
    events = events.split()
    assert len(places) == len(names) * len(events)
    rows = []
    for position, state in enumerate(names):
        word = names[words[position] - ord("a")] if words else ""
        line = places[position * len(events) :][: len(events)]
        after = {event: names[p - ord("a")] for event, p in zip(events, line, strict=True) if p != ord(".")}
        rows.append((state, word, after))
    return rows


def drawing(table):
    """Return a state diagram of mermaid; arrows between the same two states are one."""
    rows = rows_of(table)
    arrows = {}
    for state, _, cells in rows:
        for event, after in cells.items():
            arrows.setdefault((state, after), []).append(event)
    lines = ["stateDiagram-v2", f"    [*] --> {_id(rows[0][0])}"]
    lines += [f"    {_id(state)} : {state}" for state, *_ in rows if _id(state) != state]
    lines += [f"    {_id(a)} --> {_id(b)} : {', '.join(events)}" for (a, b), events in arrows.items()]
    lines += [f"    {_id(state)} --> [*]" for state, _, cells in rows if not cells]
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def _id(state):
    return state.replace("-", "_")


def matrix(table):
    """Return the table state x event -> state."""
    events = table[2].split()
    rows = []
    for state, word, cells in rows_of(table):
        name = state if word in ("", state) else f"{state} (says {word})"
        rows.append([name, *(cells.get(event, "") for event in events)])
    return grid(["state", *events], rows)


def stated():
    """Return the modules with tables of states."""
    _firmware()
    return [importlib.import_module(name) for name in STATED]


def machine(name):
    """Return the table of this name."""
    return next(getattr(module, name) for module in stated() if hasattr(module, name))


def state_pages():
    """Return docs/states.md."""
    files = ", ".join("`%s`" % Path(module.__file__).relative_to(ROOT).as_posix() for module in stated())
    parts = [STATES.format(files=textwrap.fill(f"Drawn by `make tables` from the tables in {files}.", 120))]
    for name, title, words in MACHINES:
        table = machine(name)
        parts += [f"## {title}", words, drawing(table), matrix(table)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def retries():
    """Return docs/retries.md."""
    _firmware()
    from msgin5g.rules import policy

    requests = [row.split() for row in policy.REQUESTS.strip().split("\n")]
    rows = [
        [_code(code), *(VERDICTS[letters[place]] for *_, letters in requests)]
        for place, code in enumerate(policy.CODES)
    ]
    sent = [
        [
            f"{kind}: {REQUESTS[kind]}" if kind in REQUESTS else kind,
            "none" if backoff == "-" else backoff,
            "for ever" if tries == "0" else tries,
        ]
        for kind, backoff, tries, _ in requests
    ]
    backoffs = []
    for name, *figures in map(str.split, policy.BACKOFFS.strip().split("\n")):
        first, longest, growth = map(int, figures)
        grows = f"by {_seconds(growth)}" if growth else "doubled"
        backoffs.append([f"`{name}`", _seconds(first), _seconds(longest), grows])
    return RETRIES.format(
        table=grid(["answer", *(kind for kind, *_ in requests)], rows),
        backoffs=grid(["name", "first wait", "longest wait", "grows"], backoffs),
        requests=grid(["request", "back-off", "sent at most"], sent),
    )


PAGES = {"retries.md": retries, "states.md": state_pages}


def main():
    """Write the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())


if __name__ == "__main__":
    main()
