# SPDX-License-Identifier: MIT
"""The trial of an update: it ends when it is confirmed, and by itself after so many starts or so much time."""

import os
import sys

try:
    import machine
except ImportError:  # CPython
    machine = None

from .record import load, save, there

CONFIG = "slots/config.try"  # a configuration on trial
_CONFIG = "msgin5g.json"

_STARTS = 3
_WAKES = 20  # starts out of a deep sleep, which are no failures
_LATER = 10000  # ms until the board is reset where nothing answers any more
_WORDS = 120  # octets of the last words of a start
_LONGEST = 86400  # s

# The first scratch register of the watchdog, data sheets of RP2040 and RP2350: a reset that the program asks for leaves
# it as it is.
_SCRATCH = 0x4005800C
_SCRATCH_RP2350 = 0x400D800C
_OVERDUE = 0x0D5107

_timers: list = []


def begin(record: dict) -> bool:
    """Count this start, or end the trial where it has had its starts or its time. Return whether it is on; `record`
    says how it stands then."""
    what = record["try"]
    try:
        overdue = _overdue(record)
        if record.get("kept"):
            _keep(record)  # the power went when it was confirmed
            return False
        why = _missing(what) or overdue or _counted(record)
        if why:
            roll_back(record, why)
            if what == "image":
                _reset(None)  # the boot loader goes back with a reset, and a wake out of a deep sleep is none
            return False
        save(record)
    except (OSError, ValueError) as error:
        # A start that is not counted could fail for ever.
        print("msgin5g: slots/now cannot be written (%s), so this start is none of the trial" % error)
        return False
    print("msgin5g: trial of %s: start %d of %d" % (_name(what), _STARTS - record["left"], _STARTS))
    _begin_time(record)
    return True


def _missing(what):
    path = CONFIG if what == "config" else "slots/" + what
    return "" if what == "image" or there(path) else "start: %s is not there" % _name(what)


def _counted(record):
    """Count this start. Return why there may be no more of them."""
    if hasattr(machine, "DEEPSLEEP_RESET") and machine.reset_cause() == machine.DEEPSLEEP_RESET:
        wakes = record["wakes"] = record.get("wakes", 0) + 1
        return _late(record, "%d wakes" % _WAKES) if wakes > _WAKES else ""
    if record["left"] < 1:
        words = record.get("words", "")
        return "start: %d starts failed%s" % (_STARTS, words and ": " + words)
    record["left"] -= 1
    return ""


def _late(record, time):
    word, what = ("confirmation", "confirmed") if record["confirm"] else ("registration", "registered")
    return "%s: not %s within %s" % (word, what, time)


def _overdue(record):
    """Return why the trial is over, where its timer has ended the start before this one."""
    if not _scratch() or machine.mem32[_scratch()] != _OVERDUE:
        return ""
    machine.mem32[_scratch()] = 0
    return _late(record, "%d s" % _seconds(record))


def _scratch():
    """Return the address of a register that lives over a reset, 0 where files can be written when the timer calls.

    The flash driver of the rp2 port lets timers call in the midst of its work (rp2_flash.c), and littlefs cannot be
    entered twice: there the next start writes what the timer found.
    """
    if sys.platform != "rp2":
        return 0
    return _SCRATCH_RP2350 if "RP2350" in os.uname().machine else _SCRATCH


def _seconds(record):
    return min(max(record["trial"], 1), _LONGEST)


def _begin_time(record):
    """Begin the time of this start: by a timer that calls between the steps of other code, and, where MicroPython has
    such, one behind it that calls whatever the program does; without timers by a task, while the event loop runs."""
    ms = _seconds(record) * 1000
    Timer = getattr(machine, "Timer", None)
    if Timer is None:
        import asyncio

        _timers.append(asyncio.create_task(_wait(ms)))
        return
    # The board layer has the numbers 0 and 1 of an ESP32, while somebody is at the REPL: a chip has four timers, two
    # or one, and newer MicroPython has some without a number.
    for number in (-1, 3, 1, 0):
        try:
            _timers.append(Timer(number, mode=Timer.ONE_SHOT, period=ms, callback=over))
            break
        except ValueError:
            pass
    try:
        _timers.append(Timer(-1, mode=Timer.ONE_SHOT, period=ms + _LATER, callback=_reset, hard=True))
    except (TypeError, ValueError):
        pass  # older MicroPython: what keeps the timer from calling is the watchdog's


async def _wait(ms):
    import asyncio

    await asyncio.sleep_ms(ms)  # type: ignore[attr-defined]
    over(None)


def over(timer: object) -> None:
    """End a trial whose time has passed, and start the board anew."""
    if not _timers:
        return  # it was confirmed when this was about to be called
    try:
        if _scratch():
            machine.mem32[_scratch()] = _OVERDUE
        else:
            record = load()
            if not record.get("kept"):
                roll_back(record, _late(record, "%d s" % _seconds(record)))
    except Exception as error:
        print("msgin5g: the end of a trial cannot be noted (%r): the next start counts it" % error)
    _reset(timer)


def _reset(timer):
    if hasattr(machine, "reset"):
        machine.reset()
    sys.exit(1)  # a process: who watches over it starts it anew


def stop() -> None:
    """Stop the time of this start."""
    while _timers:
        timer = _timers.pop()
        if hasattr(timer, "deinit"):
            timer.deinit()
        else:
            timer.cancel()


def confirm() -> None:
    """Have what is on trial run from now on. Raise OSError where the storage fails; its time begins anew then."""
    record = load()
    what = record["try"]
    stop()  # before it is written: a timer may call in between
    try:
        if what == "config":
            record["kept"] = True
            save(record)  # from here on it is confirmed: each start goes on with what is left
            _keep(record)
        else:
            if what != "image":
                record["now"] = what
            _end(record, "")
    except OSError:
        _begin_time(record)
        raise
    print("msgin5g: %s is confirmed" % _name(what))


def _keep(record):
    """Have the configuration that was tried in place of the one before. Not by a rename from one folder to another: of
    that littlefs makes two writes, and with a cut between them MicroPython 1.29 loses the file beside, slots/now."""
    tried = there(CONFIG)  # else somebody has removed it, and the one before is better than none
    if tried:
        with open(CONFIG, "rb") as source, open(_CONFIG + "~", "wb") as file:
            octets = b"?"
            while octets:
                octets = source.read(256)
                file.write(octets)
            file.flush()
        os.rename(_CONFIG + "~", _CONFIG)
    _end(record, "")
    if tried:
        os.remove(CONFIG)


def roll_back(record: dict, why: str) -> None:
    """End a trial without success: what was before runs from the next start on. Raise OSError."""
    what = record["try"]
    _end(record, why)
    if what == "config" and there(CONFIG):
        os.remove(CONFIG)
    print("msgin5g: %s is rolled back: %s" % (_name(what), why))


def _end(record, why):
    record["try"] = ""
    record["left"] = 0
    record["why"] = why
    for name in ("wakes", "words", "kept"):
        if name in record:
            del record[name]
    save(record)


def note(words: str) -> None:
    """Keep the last words of a start that failed. Raise OSError."""
    record = load()
    octets = words.strip().split("\n")[-1].encode()[:_WORDS]
    record["words"] = str(bytes([octet if 32 <= octet < 127 else 63 for octet in octets]), "ascii")
    save(record)


def _name(what):
    return {"config": "the configuration", "image": "MicroPython"}.get(what, "slots/" + what)
