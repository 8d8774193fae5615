# SPDX-License-Identifier: MIT
"""The clock: messages expire by it, tokens and the store's times go by it."""

import datetime

from tools.doctor.finding import lacks, ok, unknown

_SINCE = 2025  # no machine that runs this has an earlier year, but one whose clock was lost
_UNTIL = 2100
_SET = "sudo timedatectl set-ntp true"


def clock(machine, _args, now=None):
    """Whether the year is possible, and whether somebody keeps the clock right."""
    now = now or datetime.datetime.now(datetime.UTC)
    said = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if not _SINCE <= now.year < _UNTIL:
        yield lacks("clock", f"{said} is not now: messages would expire at once, or never", _SET)
        return
    answer, why = _synchronised(machine)
    if answer is None:
        yield unknown("clock", f"{said}; whether anything keeps it right is not known ({why})")
    elif answer:
        yield ok("clock", f"{said}, kept right by NTP")
    else:
        yield lacks("clock", f"{said}; nothing keeps it right", _SET)


def _synchronised(machine):
    """(whether it is, None where nobody tells; why nobody does)"""
    if not machine.linux:
        return None, f"{machine.platform} was not asked"
    said = machine.run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if said and said.code == 0 and said.out in ("yes", "no"):
        return said.out == "yes", ""
    chrony = machine.run("chronyc", "-n", "-c", "tracking")
    if chrony and chrony.code == 0:
        # the last field is the leap status (chronyc(1), "tracking")
        return chrony.out.rpartition(",")[2] != "Not synchronised", ""
    if said is None and chrony is None:
        return None, "there is neither timedatectl nor chronyc"
    failed = said or chrony
    return None, " ".join((failed.err or failed.out).split()) or "no answer"
