# SPDX-License-Identifier: MIT
"""What of updates outlives a restart: the file "update" of the board's storage (docs/flash-format.md)."""

from coap.compat import const
from msgin5g.store.kept import Kept

from ..health import log

_TYPING = const(False)
if _TYPING:
    from contracts import Storage

_FILE = const("update")
_VERSION = const(1)
_LONGEST = const(2048)  # octets
_CAUSE = const(160)  # characters of a cause
KINDS = ("app", "config", "image")
# Of `job`, by position, and what is there without one
_JOB = (
    ("id", ""),
    ("kind", "app"),
    ("sender", ""),
    ("sender_type", ""),
    ("state", ""),
    ("cause", ""),
    ("told", True),
    ("again", False),
    ("have", 0),
)


class Noted:
    """The update that came last, and what was confirmed before it.

    `id` is that of the bundle, "" for none, `kind` what it holds; `sender` and `sender_type` who offered it. `state`
    is a word of the wire, `cause` what belongs to it, `told` whether the sender knows it. `again`: some of it was asked
    for a second time. `have`: octets of an image that are written.

    `floors` has the highest number ever confirmed, `runs` the ID of the bundle that was confirmed last, both by kind;
    `bad` the ID of the last one that was rolled back, and why.
    """

    def __init__(self, storage: "Storage") -> None:
        self._kept = Kept(storage, _FILE, _VERSION, _LONGEST)
        self.read()

    def read(self) -> None:
        """Go by what is on flash."""
        self.floors = dict([(kind, 0) for kind in KINDS])
        self.runs = dict([(kind, "") for kind in KINDS])
        self.bad = ["", ""]
        self.begin("", "app", "", "", "")
        for name, *values in self._kept.read():
            if name == "floors":
                self._take(self.floors, values)
            elif name == "runs":
                self._take(self.runs, values)
            elif name == "bad" and len(values) == 2:
                self.bad = [str(value) for value in values]
            elif name == "job":
                for (key, default), value in zip(_JOB, values):
                    if type(value) is type(default):
                        setattr(self, key, value)

    def is_newer(self) -> bool:
        """Return whether newer firmware has written it: then nothing is known, and nothing can be noted."""
        return self._kept.newer

    def _take(self, known, values):
        for kind, value in zip(KINDS, values):
            if type(value) is type(known[kind]):
                known[kind] = value

    def begin(self, id: str, kind: str, sender: str, sender_type: str, state: str) -> None:
        """Let this be the update from now on. It is not written yet."""
        self.id = id
        self.kind = kind
        self.sender = sender
        self.sender_type = sender_type
        self.state = state
        self.cause = ""
        self.told = True
        self.again = False
        self.have = 0

    def enter(self, state: str, cause: str = "") -> None:
        """Note a new state, which its sender has to be told. Raise OSError."""
        self.state = state
        self.cause = cause[:_CAUSE]
        self.told = False
        self.write()

    def write(self) -> None:
        """Have all of it or, after a power cut, all that was there before. Raise OSError."""
        self._kept.write(
            [
                ["floors"] + [self.floors[kind] for kind in KINDS],
                ["runs"] + [self.runs[kind] for kind in KINDS],
                ["bad"] + self.bad,
                ["job"] + [getattr(self, key) for key, _ in _JOB],
            ]
        )

    # --- how the last start left things -----------------------------------------------------------------------

    def settle(self) -> bool:
        """Find out what became of a bundle that was verified, or on trial, by the record of the slots. Return whether
        it is on trial, and the application has to confirm it. Raise OSError."""
        from base.record import load, save

        record = load()
        if record["id"] != self.id:
            if self.state == "trying":
                self._roll_back("storage: slots/now does not know of it")
            return False
        if record["try"] == "image":
            self._look_for(record)
        if record["try"]:
            if self.state != "trying":
                self.enter("trying")
            return record["confirm"]
        if record["why"]:
            self._roll_back(record["why"])
            record["why"] = ""
            save(record)
        else:
            self.floors[self.kind] = max(self.floors[self.kind], record.get("number", 0))
            self.runs[self.kind] = self.id
            self.enter("confirmed")
        return False

    def _look_for(self, record):
        """End a trial whose image does not run: the boot loader has gone back by itself."""
        from . import image

        if image.running() != record.get("partition"):
            import base
            from base.trial import roll_back

            base.attend()  # the old one runs, and is not to be reset when the time would be over
            base.on = False
            roll_back(record, "start: the boot loader went back to the image before")

    def _roll_back(self, why):
        self.bad = [self.id, why]
        self.enter("rolled-back", why)
        log("update: %s was rolled back: %s", self.id, why)
