# SPDX-License-Identifier: MIT
"""How an update goes, for who waits for its end: a bar where there is a terminal, else a line for each change."""

import json
import sys
import time

from tools.store.server.updatetables import CONFIRMED, LOADING, OPEN, PAUSED, RUNNING
from tools.words import complain, counted

LOOK = 0.5  # s, between two looks at the store
NOBODY = 10.0  # s, after which a program that serves the store would have begun
_LOOKED_AT = 50  # devices that load, of which it is said how far they are


def line(said):
    """One line of what `Store.update_for_people` says."""
    counts = ", ".join("%d %s" % (count, state) for state, count in said["counts"].items())
    why = ": " + said["why"] if said["why"] else ""
    about = (said["name"], said["version"], said["kind"], said["state"], why, said["stage"], counts)
    return "%s %s (%s), %s%s; stage %d; %s" % about


def device_line(device):
    """One line of what is said of a device."""
    percent = " %d %%" % _percent(device["have"], device["of"]) if device["state"] == LOADING else ""
    cause = ": " + device["cause"] if device["cause"] else ""
    return "%s  %s%s%s" % (device["ue"], device["state"], percent, cause)


def _percent(have, of):
    return have * 100 // max(1, of)


def watch(store, job, name, as_json, wait=time.sleep):
    """Looks until the update is over, or paused; the exit code: 0 where each device has it. `name`: the store's."""
    shown = _Bar() if sys.stderr.isatty() and not as_json else _Lines(sys.stderr if as_json else sys.stdout)
    try:
        with shown:
            said = _shown(shown, store, job, name, wait)
    except KeyboardInterrupt:
        complain(
            "update %d goes on: update show %d says how far it is, update stop %d ends it" % (job, job, job)
        )
        raise
    if said is None:
        complain("update %d is gone from %s: it made room for newer ones" % (job, name))
        return 1
    return _end(said, as_json)


def _shown(shown, store, job, name, wait):
    """What is said of it at its end; None where it is not there any more."""
    began, told = time.monotonic(), False
    while (found := store.update(job)) is not None:
        said = store.update_for_people(found)
        shown.show(said, _part(store, said))
        if said["state"] != RUNNING:
            return said
        if not (told or said["stage"]) and time.monotonic() - began > NOBODY:
            told = True
            shown.say(
                "no server works with %s now: it goes on as soon as msgin5g gateway or msgin5g server does"
                " (a gateway with --upstream has none: its server has a store of its own)" % name
            )
        wait(LOOK)
    return None


def _end(said, as_json):
    job, counts = said["job"], said["counts"]
    if as_json:
        print(json.dumps(said))
    elif said["state"] == PAUSED:
        print(
            "update %d is paused: %s. update show %d says more, update resume %d has it go on"
            % (job, said["why"], job, job)
        )
    else:
        done, devices = counts.get(CONFIRMED, 0), counted(said["devices"], "device")
        print("update %d is %s: confirmed by %d of %s" % (job, said["state"], done, devices))
    return 0 if counts.get(CONFIRMED, 0) == said["devices"] else 1


def _part(store, said):
    """(how much of it is done, of 1; percent that devices have that load, or None)"""
    counts = said["counts"]
    over = sum(count for state, count in counts.items() if state not in OPEN)
    loading = store.update_devices(said["job"], LOADING, 0, _LOOKED_AT)
    have, of = sum(each.have for each in loading), sum(each.total for each in loading)
    percent = _percent(have, of) if loading else None
    return (over + counts.get(LOADING, 0) * (percent or 0) / 100) / max(1, said["devices"]), percent


def _words(said, percent):
    counts = [
        "%d %s%s" % (count, state, " %d %%" % percent if state == LOADING and percent is not None else "")
        for state, count in said["counts"].items()
    ]
    return "stage %d: %s" % (said["stage"], ", ".join(counts))


class _Lines:
    """A line each time that something has changed; of what devices load, each tenth."""

    def __init__(self, file):
        self._file, self._last = file, None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def show(self, said, part):
        percent = None if part[1] is None else part[1] // 10 * 10
        text = "update %d, %s" % (said["job"], _words(said, percent))
        if text != self._last:
            self._last = text
            self.say(text)

    def say(self, text):
        print(text, file=self._file, flush=True)


class _Bar:
    """The same on a terminal."""

    def __enter__(self):
        from rich.console import Console  # who asks without a terminal need not wait for it
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (TextColumn("update {task.fields[job]}"), BarColumn(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=1, job="")
        self._progress.start()
        return self

    def __exit__(self, *exception):
        self._progress.stop()

    def show(self, said, part):
        self._progress.update(
            self._task, completed=part[0], description=_words(said, part[1]), job=said["job"]
        )

    def say(self, text):
        self._progress.console.print(text, markup=False, highlight=False)
