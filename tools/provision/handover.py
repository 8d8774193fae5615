# SPDX-License-Identifier: MIT
"""A configuration goes to its place and the other half of its keys to the gateway: of one device or of many."""

from tools.errors import UsageError
from tools.page.events import sentence


def say_new(store, say):
    """In another folder the default is another store, and its gateway knows nothing of this device."""
    for event, fields in store.file.news():
        if event == "store-made" and (store.devices() or store.kids_in_use()):
            say(sentence({"event": event, **fields}))


def provide(store, place, made, old, mark=None):
    """Writes the configuration and tells the gateway; False where all was there already.

    The keys are on the device, and verified, before the gateway is told, and take the place of the old ones after:
    wherever this ends in the middle, it can be run again.
    """
    if old == made.octets:
        made.register(store, mark)
        return False
    place.stage(made.octets)
    try:
        why = place.refusal(staged=True)
        if why:
            raise UsageError(f"the firmware at {place.where} would not start with it: {why}")
        made.register(store, mark)
    except BaseException:
        place.discard()
        raise
    place.commit()
    return True
