# SPDX-License-Identifier: MIT
"""Cutting what waits in the outbox again: with the UE Service ID, the server or the limit of a segment the room changes
that a message has for its payload. Loaded where a configuration comes (clause 6.2.1), or another gateway."""


def use(outgoing, cut):
    """Have a message go out as it was cut: `cut` is what `BodyBuilder.cut` gave."""
    outgoing.segmentation = cut
    share = outgoing.share
    if share:
        share.room = None
        if cut is not None:
            share.octets = None  # it goes out singly


def recut(client, sender, builder, renamed, now):
    """Make what waits fit. `renamed`: the messages have another originator now, and a set of segments that was begun
    under the former one is no set of this one's, so it begins anew."""
    outbox = client.outbox
    for outgoing in outbox.queue[:]:
        if outgoing.stands == "confirming":
            continue  # all of it is there
        before = outgoing.segmentation
        try:
            cut = builder.cut(outgoing)
        except (ValueError, OSError) as error:
            sender.unsendable(outgoing, str(error), now)
            continue
        use(outgoing, before)
        same = cut is before is None or None not in (cut, before) and list(cut[:2]) == list(before[:2])
        begun = outgoing.segments is not None or outgoing.progress is not None
        if same and not (renamed and begun):
            continue
        sender.withdraw(outgoing, now)
        outgoing.segments = outgoing.progress = outgoing.segment = None
        use(outgoing, cut)
        if outgoing.ref is not None:
            try:
                client.store.sent_again(outgoing)
            except OSError:
                pass  # after a restart it is cut again
