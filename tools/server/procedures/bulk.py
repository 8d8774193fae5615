# SPDX-License-Identifier: MIT
"""Bulk registration and de-registration by a Gateway UE: TS 24.538 clause 6.3.4.4.

A BREG carries registrations of UEs behind the gateway, a DEREG with a list (clause 6.3.4.3.5; BDEREG is read as well)
their ends. Each element is decided by itself, and has one answer in its place; one that is wrong, or whose handling
raises, takes no other with it. The standard describes successes only.
"""

from tools.server.isolation import place_of, reason_of
from tools.server.procedures.procedure import Procedure
from tools.store.faults import store_failed
from tools.wire import bodies
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Malformed
from tools.words import counted

MOST = 1000  # elements of one request
_FAULT = "an error of the server's own"
_MEMBERS = {"REG": ("totalRegCount", "regList"), "DEREG": ("totalDeregCount", "deregList")}
LISTS = frozenset(name for names in _MEMBERS.values() for name in names)


def listed(kind, body):
    """Whether a DEREG is a gateway's, with a list. Raises Malformed for a list where none may be."""
    own = set(_MEMBERS["DEREG"] if kind == "DEREG" else ())
    wrong = sorted(LISTS & body.keys() - own)
    if wrong:
        raise Malformed(wrong[0], "does not belong into a %s: registrations in bulk are a BREG" % kind)
    return bool(own & body.keys())


class Bulk(Procedure):
    def receive(self, kind, peer, body, now):
        gateway = bodies.address(body, "oriAddr", ("UE",)).id
        each_kind = _each_kind(kind)
        elements = _elements(body, each_kind)
        self._speakers.speaks_for(peer, gateway, now)
        self._speakers.expect_gateway(gateway)
        answer = self._answer(each_kind, [(peer, gateway, element) for element in elements], now)
        refused = sum(not each["result"] for each in answer.body[_MEMBERS[each_kind][1]])
        self._emit("bulk", kind=kind, via=gateway, elements=len(elements), refused=refused)
        return answer

    def of_devices(self, body, peers, now):
        """The Answer to a bulk request of the gateway function in the same program: each element is as if its own peer
        had sent it by itself. Raises Malformed, Refusal."""
        each_kind = _each_kind(bodies.text(body, "msgType").upper())
        elements = _elements(body, each_kind)
        return self._answer(
            each_kind, [(peer, None, each) for peer, each in zip(peers, elements, strict=True)], now
        )

    def _answer(self, each_kind, asked, now):
        count_member, list_member = _MEMBERS[each_kind]
        one = self._core.procedures["registration"].one
        answers = [self._element(one, each_kind, *each, now) for each in asked]
        return Answer("2.04", {count_member: len(answers), list_member: answers})

    def _element(self, one, each_kind, peer, gateway, element, now):
        """The answer to one element: all of it was done, or nothing."""
        head = {}
        try:
            ue = bodies.address(element, "oriAddr", ("UE",))
            head = {"oriAddr": bodies.origin(ue)}
            self._look_at(each_kind, element)
            return self._isolation.answer(now, one, each_kind, peer, element, gateway, now)
        except (Malformed, Refusal) as error:
            cause = str(error) if isinstance(error, Malformed) else error.answer.diagnostic
            fields = {"ue": ue.id} if head else {}
            self._core.emit_refused(peer, now, kind="bulk " + each_kind, **fields, code="2.04", reason=cause)
        except Exception as error:
            if store_failed(error):
                raise
            cause, fields = _FAULT, {"to": ue.id} if head else {}
            fields |= {"code": "2.04", "reason": reason_of(error), "place": place_of(error)}
            self._emit("error", kind="bulk " + each_kind, **fields)
        return head | {"result": False, "cause": cause}

    def _look_at(self, each_kind, element):
        """An element is a whole REG or DEREG; what says its kind may be left out, but not be another."""
        if bodies.text(element, "msgIden", self._settings.service) != self._settings.service:
            raise Malformed("msgIden", "is not %s" % self._settings.service)
        if bodies.text(element, "msgType", each_kind).upper() != each_kind:
            raise Malformed("msgType", "is not %s" % each_kind)
        if LISTS & element.keys():
            raise Malformed(sorted(LISTS & element.keys())[0], "a list in a list")


def _each_kind(kind):
    return "REG" if kind == "BREG" else "DEREG"


def _elements(body, each_kind):
    """The elements, all of them objects. Raises Malformed, Refusal."""
    count_member, list_member = _MEMBERS[each_kind]
    others = sorted(LISTS & body.keys() - {count_member, list_member})
    if others:
        raise Malformed(others[0], "does not belong beside %s" % list_member)
    elements = body.get(list_member)
    if elements is None:
        raise Malformed(list_member, "missing")
    if not isinstance(elements, list) or not elements:
        raise Malformed(list_member, "not an array with at least one element")
    if len(elements) > MOST:
        raise Refusal("4.13", "%s: more than %d elements: send several requests" % (list_member, MOST))
    if not all(isinstance(each, dict) for each in elements):
        raise Malformed(list_member, "has an element that is not an object")
    count = bodies.number(body, count_member, 1, MOST)
    if count is None:
        raise Malformed(count_member, "missing")
    if count != len(elements):
        raise Malformed(
            count_member, "is %d, but %s has %s" % (count, list_member, counted(len(elements), "element"))
        )
    return elements
