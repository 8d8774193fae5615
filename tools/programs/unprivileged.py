# SPDX-License-Identifier: MIT
"""A program that is no one's business of root's, or that refuses root: run by an account that owns nothing."""

import os
import pwd
import shutil

from tools.errors import UsageError

ACCOUNT = "nobody"


def command(words):
    """The command that runs these words without root; the words alone where we are not root. Raises UsageError.

    It may go on reading and writing below folders that only root may enter, as a checkout in root's home is: of all
    that root can do this alone is left to it, where the machine gives it away.
    """
    if os.geteuid():
        return list(words)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise UsageError(
            "as root this takes setpriv (Debian: util-linux): install it, or run this as another account"
        )
    who = _account()
    ids = [f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"] if _may_hand_on() else []
    return [setpriv, *ids, *rights, *words]


def own(folder):
    """Have a folder, just made, be that account's."""
    if not os.geteuid():
        who = _account()
        os.chown(folder, who.pw_uid, who.pw_gid)


def _account():
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise UsageError(
            f"as root this takes an account {ACCOUNT}: make one, or run this as another one"
        ) from None


def _may_hand_on():
    """Whether root here has CAP_DAC_OVERRIDE, which is bit 1: a container may have taken it."""
    try:
        with open("/proc/self/status") as file:
            found = next((line for line in file if line.startswith("CapPrm:")), "CapPrm: 0")
    except OSError:
        return False
    return bool(int(found.split()[1], 16) & 2)
