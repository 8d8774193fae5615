# SPDX-License-Identifier: MIT
"""The step from what runs to what was verified, and the one that makes it stay. Imported for each of them."""

import base
from base.record import load, save
from coap.compat import const

from .manifests import Manifest

_TYPING = const(False)
if _TYPING:
    from .noted import Noted
    from .slot import Slot

_STARTS = const(3)


def switch(slot: "Slot", noted: "Noted") -> None:
    """Have the next start try what is in the slot, by one write. Raise OSError, ValueError where it is an image that
    the boot loader refuses."""
    with slot.manifest() as file:
        manifest = Manifest(file)
    record = load()
    kind = manifest.kind
    record["try"] = slot.folder[-1] if kind == "app" else kind
    record["left"] = _STARTS
    record["trial"] = manifest.trial
    record["confirm"] = manifest.confirm
    record["kind"] = kind
    record["id"] = noted.id
    record["why"] = ""
    record["number"] = manifest.number
    if kind != "image":
        save(record)
        return
    from . import image

    # First the record: one of a trial that never began is seen by the partition that runs.
    record["partition"] = image.target()
    save(record)
    try:
        image.activate()
    except image.Unable as error:
        record["try"] = record["id"] = ""
        save(record)
        raise ValueError(error)


def keep() -> None:
    """Confirm what is on trial in this start, where there is something. Raise OSError."""
    if base.on:
        if load()["kind"] == "image":
            from . import image

            image.confirm()
        base.confirm()
