# SPDX-License-Identifier: MIT
"""What goes out, as steps in the lives of messages: a request with its answer, all tries and segments in one."""

from tools.page.past.history import role
from tools.page.past.lives import DETAIL
from tools.server.delivery.pushes import DONE, LATER, REFUSED
from tools.wire.bodies import same
from tools.wire.outside import clean
from tools.words import ranged

_STATES = {DONE: "answered", REFUSED: "refused", LATER: "not taken"}


class Sent:
    """`history`: the History that these steps are noted in."""

    def __init__(self, history, clock):
        self._history, self._known, self._here = history, history.known, history.here
        self._clock = lambda: round(clock(), 3)  # as the events have it
        self.out = {}  # address: {id of a Push that is out: its steps}, the oldest first

    def sent(self, push):
        """A Push goes out."""
        steps = []
        for life in self._carried(push):
            where, peer, step = self._toward(push, life)
            body, now = push.body, self._clock()
            if step is not None and (step["state"] in ("sent", "not taken") or "segments" in step):
                step["count"] += step["state"] == "not taken"
            else:
                step = life.step(
                    now, self._here, where, push.kind, "sent", **({"peer": peer} if peer else {})
                )
            step["state"] = "sent"
            params = body.get("segParams")
            if push.kind == "MSG" and params:
                done = step.get("segments", {}).get("done", 0)
                step["segments"] = {"done": done, "of": params.get("totalSegCount")}
                self._history.sets.put((push.target.id, same(params["segId"])), life.key)
            elif push.kind == "SEGREC":
                step["detail"] = clean(ranged(body.get("segNoList", ""), "segment"), DETAIL)
            elif push.kind == "MSGRESP":
                step["detail"] = str(body.get("delSta", body.get("DelSta", "")))
            steps.append(step)
            self._history.note((), life.key)
        if steps:
            self.out.setdefault(str(push.where), {})[id(push)] = steps

    def answered(self, push, outcome):
        """What came of it."""
        now = self._clock()
        if push.target.type == "UE":
            if outcome.answered and outcome.verdict != LATER or outcome.verdict == DONE:
                self._known.heard(push.target.id, now)
            elif outcome.verdict == LATER and not outcome.answered:
                # Of who is behind a gateway that is silent nothing is known.
                self._known.is_silent(push.target.id if push.via is None or outcome.behind else push.via, now)
        out = self.out.get(str(push.where), {})
        out.pop(id(push), None)
        if not out:
            self.out.pop(str(push.where), None)
        for life in self._carried(push):
            _, _, step = self._toward(push, life)
            if step is None:
                continue
            step["state"], step["until"] = _STATES.get(outcome.verdict, outcome.verdict), now
            if push.kind in ("MSG", "IMDN") or outcome.verdict != DONE:
                step["detail"] = clean(outcome.detail, DETAIL)
            if outcome.verdict == DONE and "segments" in step:
                step["segments"]["done"] += 1
            self._history.note((push.target.id,), life.key)

    def sent_again(self, peer):
        """A request to this address was retransmitted."""
        for step in self._last(peer):
            step["count"] += 1
            self._history.note()

    def acknowledged(self, peer):
        """A request to this address was acknowledged by itself: its answer comes separately."""
        for step in self._last(peer):
            step["separate"] = True
            self._history.note()

    def _last(self, peer):
        """The step of what went to this address last and waits for an answer; or nothing."""
        out = self.out.get(str(peer))
        return next(reversed(out.values()))[-1:] if out else ()

    def _toward(self, push, life):
        """Where it goes in a picture of this Life; to whom, where that is not the message's `to`; the last step of it,
        or None."""
        where = "gateway" if push.via is not None else role(push.target.id, push.target.type)
        peer = push.target.id if push.target.id != life.to else None
        return where, peer, life.last(self._here, where, push.kind, peer)

    def _carried(self, push):
        """The Lives that a Push belongs to."""
        body, found = push.body, []
        if push.kind in ("SEGREC", "SEGCONFIR"):
            found.append(self._history.of_set(push.target.id, body.get("segId", "")))
        elif push.kind in ("MSG", "PUSH", "IMDN", "MSGRESP"):
            origin = push.target.id if push.kind in ("IMDN", "MSGRESP") else push.origin and push.origin.id
            listed = body.get("msgList") or ()
            for msg_id in (body.get("msgId"), *(each.get("msgId") for each in listed)):
                if origin and isinstance(msg_id, str):
                    life = self._history.lives.get(origin, msg_id)
                    if life is None and push.kind == "MSG":  # of before a restart
                        life = self._history.opened(origin, msg_id, push.target.id, self._clock())
                    found.append(life)
        return [life for life in found if life is not None]
