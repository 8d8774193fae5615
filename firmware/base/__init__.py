# SPDX-License-Identifier: MIT
"""What no update ever replaces: it chooses the slot that a start runs, and goes back to the one before where a new one
fails (docs/health.md, "Updates").

main.py imports it before all else, on a device that was updated once. So it imports nothing but what the interpreter
has built in, and its own modules.
"""

import sys
import time

from .record import load, save, there

folder = ""  # of the slot whose application and modules this start runs, "slots/a"; "" what was flashed
config = "msgin5g.json"  # the configuration of this start
on = False  # this start is one of a trial: whatever ends it, the trial goes by

_PAUSE = 10  # s for a person to break in, before a board is reset whose slot cannot begin


def begin() -> None:
    """Choose the slot of this start, and put its modules in front; count the start where it is one of a trial. Raise
    nothing: where this fails, what was flashed runs."""
    try:
        record = load()
        slot = _tried(record) if record["try"] else record["now"]
        if record.get("skip"):
            record["skip"] = False
            save(record)
            _say("slots/%s could not begin, so this start runs what was flashed" % slot)
        elif slot:
            _use("slots/" + slot)
    except Exception as error:
        failed(error)


def _tried(record):
    """Return the slot of this start, with a trial under way."""
    global config, on
    from . import trial

    on = trial.begin(record)
    if on and record["try"] in ("a", "b"):
        return record["try"]
    if record["try"] == "config" and (on or record.get("kept")):
        config = trial.CONFIG
    return record["now"]


def _use(path):
    """Have this start import from a slot first."""
    global folder
    if not there(path):
        _say("%s is not there, so what was flashed runs" % path)
        return
    if not on:
        _say("%s runs" % path)
    folder = path
    overlay = None
    if there(path + "/fw"):
        from . import overlay  # type: ignore[no-redef]

        other = overlay.other(path)  # type: ignore[attr-defined]
        if other:
            _say("%s/fw is left out: it is for firmware %s, and another one was flashed" % (path, other))
            overlay = None
    sys.path.insert(0, path + "/app")
    if overlay is not None:
        overlay.begin(path + "/fw")


def failed(error: BaseException, early: bool = True) -> None:
    """Note that a start failed before anything could look after it, or (not `early`) that what looks after it failed,
    and start the board anew after 10 s. Return where no slot has a part in it.

    Three such starts end a trial. Outside of one, the next start runs what was flashed, and the one after that the slot
    again: so a slot that was damaged keeps no device from being mended.
    """
    if not on and not (early and folder):
        _say("no slot can be chosen: %r" % error) if early else None
        return
    sys.print_exception(error)  # type: ignore[attr-defined]
    try:
        if on:
            note("%s: %s" % (type(error).__name__, error))
        else:
            record = load()
            record["skip"] = True
            save(record)
    except Exception as failure:
        _say("slots: the storage failed (%r)" % failure)
    import machine

    if not hasattr(machine, "reset"):
        sys.exit(1)
    _say("%s cannot begin; the board is reset in %d s" % (folder or "the trial", _PAUSE))
    try:
        time.sleep(_PAUSE)
    except KeyboardInterrupt:
        attend()
        raise
    machine.reset()


def note(words: str) -> None:
    """Keep the last line of why a start of a trial failed, for the reason that its end has. Raise OSError."""
    if on:
        from . import trial

        trial.note(words)


def confirm() -> None:
    """Have what is on trial run from now on. Raise OSError where the storage fails; it may be called again then."""
    global config, on
    if on:
        from . import trial

        trial.confirm()
        on = False
        config = "msgin5g.json"  # where it is now


def attend() -> None:
    """Stop the time of a trial: somebody is at the REPL, and is not to be reset under their hands. The next start
    counts as one of the trial."""
    if on:
        from . import trial

        trial.stop()


def _say(text):
    print("msgin5g: " + text)
