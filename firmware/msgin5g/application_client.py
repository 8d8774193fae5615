# SPDX-License-Identifier: MIT
"""The Application Client of a constrained UE: MSGin5G-5, TS 24.538 clauses 6.3.2 and 6.4.2, Annex A.

It has the public names of Client and is driven like it. What travels is a wire's affair: l3_wire.py has the binary
messages of Annex A.2, json_wire.py the CoAP and JSON of Annex A.3; `config.peer` chooses.
"""

from coap.compat import earliest, random_octets, ticks_diff

from . import causes, payload, uuid
from .config import service_id_error
from .errors import ConfigError
from .events import CHANGED, MESSAGE, REGISTRATION
from .ledger import Ledger
from .outbox import Outbox, Outgoing
from .received import Message
from .row import Row
from .source import source_of
from .timing import Backoff, Countdown

# Causes after which the same message may be sent again later
_LATER = (causes.LACK_OF_RESOURCES, causes.CONGESTION)


class ApplicationClient:
    """See the module. `config`, `storage`, `random` and `peer` are those of Client; there is no clock to use.

    `endpoint` is the CoAP endpoint, None on L3. Raises ConfigError where the configuration asks for what this class
    is not.
    """

    def __init__(self, config, storage, random=random_octets, clock=None):
        if config.role != "application client":
            raise ConfigError("role", 'must be "application client" for an ApplicationClient')
        if config.application["credential"] is None:
            raise ConfigError("application.credential", "is missing; it must be hexadecimal digits")
        on_l3 = config.peer_scheme[:3] == "l3+"
        if on_l3 and config.security["mode"] != "none":
            raise ConfigError(
                "security.mode",
                'must be "none" on L3: the credential goes over the link as it is, which must be a link to trust',
            )
        self.config = config
        self.stats = {
            "accepted": 0,  # of our messages
            "delivered": 0,
            "failed": 0,
            "expired": 0,
            "received": 0,  # messages put in the inbox
            "repeated": 0,  # messages that came again and were only answered
            "reported": 0,  # delivery reports that went out
            "reports_refused": 0,
            "refused": 0,  # messages refused for want of room
            "malformed": 0,  # messages that break Annex A
            "unexpected": 0,  # reports about messages not held here
            "unmatched": 0,  # L3 responses that belong to nothing
            "repeats": 0,  # L3 requests that went out again
        }
        self._ledger = Ledger(storage)
        self._ledger.recover()
        self.outbox = Outbox(self._ledger, config.outbox["messages"], config.outbox["bytes"])
        for outgoing in self.outbox.waiting:  # from before a restart
            outgoing.state = "accepted"
            outgoing.expires = Countdown(config.report_timeout * 1000)
        self.registration = _Registration(config, random)
        if on_l3:
            from . import l3_wire

            self._wire = l3_wire.L3Wire(config, self, random)
        else:
            from . import json_wire

            self._wire = json_wire.JsonWire(config, self, random, storage)
        self._storage = storage
        self._random = random
        self._turn = 0
        self._backoffs = {}  # by destination; only those that wait
        self.inbox = self._ledger.inbox
        self._reports = []  # [report's Message ID, message, Backoff or None, whether it is on its way]
        self._taken = None
        self._events = []
        self._announced = None
        self._now = 0
        for message in self.inbox:
            if message.row is not None:
                message.keep(Row(storage, *message.row))
        for message in self._ledger.reports:
            self._reports.append([uuid.new(random), message, None, False])

    @property
    def peer(self):
        return self._wire.peer

    @peer.setter
    def peer(self, peer):
        self._wire.peer = peer

    @property
    def endpoint(self):
        return getattr(self._wire, "endpoint", None)

    @property
    def journal(self):
        """Where the service keeps what must outlive a restart: `writes`, `failed`, `torn`, `damaged`, `octets`."""
        return self._ledger.journal

    @property
    def idle(self):
        """Whether nothing waits to be sent: no message that is not accepted, no report of ours."""
        return not self.outbox.queue and not self._reports

    def settle(self):
        """Writes what the journal would write with the next message; for a power-off that is planned."""
        self._ledger.flush()

    @property
    def registered(self):
        return self.registration.registered

    # --- what the application's side calls -------------------------------------------------------------

    def start(self, now):
        """Begins to register, and goes on for ever."""
        self.registration.start(now)
        self._work(now)

    def stop(self, now):
        """De-registers; over when `registration.state` is "stopped"."""
        self.registration.stop(now)
        self._work(now)

    def link_is_back(self, now):
        """The link was away: what waits because it met silence meanwhile is tried at once."""
        for backoff in self._backoffs.values():
            backoff.heard()
        self.registration.hasten(now)
        self._work(now)

    def send(
        self,
        to,
        payload,
        now,
        to_type="UE",
        app_id=None,
        report=False,
        priority="NORMAL",
        store_forward=False,
        expires=None,
        volatile=False,
    ):
        """Takes a message; gives its Outgoing, as Client.send does.

        On L3 `to` is an FQDN, an IPv4 or an IPv6 address, which the gateway's table translates. Raises ValueError
        also for what MSGin5G-5 has no way to say: topics, broadcast, a priority, store and forward, segments.
        """
        if to_type in ("TOPIC", "BC"):
            raise ValueError("to_type: MSGin5G-5 reaches UE, AS and GROUP, no topic and no broadcast area")
        if priority != "NORMAL":
            raise ValueError("priority: MSGin5G-5 carries none when sending")
        if store_forward:
            raise ValueError("store_forward: MSGin5G-5 cannot ask for it")
        why = service_id_error(to)
        if why:
            raise ValueError("to: " + why)
        if expires is not None and not (isinstance(expires, (int, float)) and 0 < expires < 1e9):
            raise ValueError("expires must be a number of seconds above 0 and below 1e9")
        source, octets = source_of(payload, volatile, self._storage, self._ledger, self.outbox)
        try:
            self._wire.check(to, to_type, app_id, source.size)
            message_id = uuid.text(uuid.new(self._random))
            outgoing = Outgoing(
                message_id, to, to_type, source, app_id, bool(report), priority, False, bool(volatile)
            )
            if self._wire.text:
                self._wire.check_whole(outgoing)
            if expires is not None:
                outgoing.expires = Countdown(int(expires * 1000), now)
            self.outbox.add(outgoing, octets)
        except Exception:
            source.remove()
            raise
        self._work(now)
        return outgoing

    def subscribe(self, topic, now):
        """Raises ValueError: there is no such thing."""
        raise ValueError("topic: MSGin5G-5 has no topics; a device of role client has them")

    unsubscribe = subscribe

    def take(self, now):
        """The oldest received Message, or None. The one taken before it is closed."""
        if not self.inbox:
            return None
        if self._taken is not None:
            self._taken.close()
        message = self._taken = self.inbox[0]
        message.load()
        self.inbox.pop(0)
        if self.config.reports == "taken":
            self._report(message)
        self._ledger.taken(message)
        self._work(now)
        return message

    # --- what the runner calls --------------------------------------------------------------------------

    def receive(self, octets, peer, now):
        self._wire.receive(octets, peer, now)
        self._work(now)

    def poll(self, now):
        self._wire.poll(now)
        self._work(now)

    def outgoing(self):
        """The next (octets or parts, peer) for the link, or None."""
        return self._wire.outgoing()

    def next_event(self):
        """The next (kind, subject), or None."""
        return self._events.pop(0) if self._events else None

    def next_deadline(self):
        """The tick when `poll` is needed next, or None."""
        now = self._now
        deadline = earliest(self._wire.next_deadline(now), self.registration.next_deadline(now))
        for outgoing in self.outbox.queue + self.outbox.waiting:
            if outgoing.expires is not None:
                deadline = earliest(deadline, outgoing.expires.deadline(now))
        for backoff in [report[2] for report in self._reports] + list(self._backoffs.values()):
            # one that is over waits for something else: its turn, or the registration
            if backoff is not None and not backoff.ready(now):
                deadline = earliest(deadline, backoff.deadline)
        return deadline

    # --- what goes out ------------------------------------------------------------------------------------

    def _work(self, now):
        """Everything that can be done now."""
        self._now = now
        for outgoing in self.outbox.queue[:] + self.outbox.waiting[:]:
            if outgoing.expires is not None and outgoing.expires.left(now) <= 0:
                if outgoing in self.outbox.queue:
                    self._wire.cancel(outgoing, now)
                    self._end(outgoing, "expired", "not accepted in time")
                else:
                    self._end(outgoing, outgoing.state, "no report came")
        while self._wire.idle(now) and self._next(now):
            pass
        state = (self.registration.state, self.registered)
        if state != self._announced:
            self._announced = state
            self._events.append((REGISTRATION, self))

    def _next(self, now):
        """Begins one request; False where nothing waits for its turn."""
        registration = self.registration
        step = registration.next(now, self._wire.free)
        if step == "REG":
            self._wire.register(self.config.application, now)
        elif step == "DEREG":
            self._wire.deregister(registration.registration_id, now)
        elif not registration.registered or registration.stopping:
            return False
        else:
            return self._next_report(now) or self._next_message(now)
        return True

    def _next_report(self, now):
        for report in self._reports:
            if not report[3] and (report[2] is None or report[2].ready(now)):
                report[3] = True
                self._wire.report(report[0], report[1].message_id, True, now)
                return True
        return False

    def _next_message(self, now):
        """The first message to each destination may go; of those, the one that was unserved longest."""
        best = None
        seen = []
        for outgoing in self.outbox.queue:
            destination = (outgoing.to_type, outgoing.to)
            if destination in seen:
                continue
            seen.append(destination)
            backoff = self._backoffs.get(destination)
            if (backoff is not None and not backoff.ready(now)) or not self._wire.free("MSG", outgoing):
                continue
            if best is None or outgoing.turn < best.turn:
                best = outgoing
        if best is None:
            return False
        self._turn += 1
        best.turn = self._turn
        if best.state == "queued":
            self._set(best, "sent")
        try:
            self._wire.send(best, now)
        except OSError as error:  # the storage lost it
            self._end(best, "failed", "storage: %s" % error)
        return True

    # --- what came back -----------------------------------------------------------------------------------

    def answered(self, what, item, answer, now):
        """The wire: a request has its Answer, or None where nothing came back."""
        if answer is not None:
            for backoff in self._backoffs.values():
                backoff.heard()
        if what == "IMDN":
            self._report_answered(item, answer, now)
        elif what != "MSG":
            self.registration.answered(what, answer, now)
        elif answer is None:
            self._delay(item, now, None, True)
        elif answer.accepted:
            self._backoffs.pop((item.to_type, item.to), None)
            self._accept(item, now)
        elif answer.cause == causes.CONNECTION_GONE:
            self.registration.required(answer.why, now)
            self._delay(item, now, 1, False)  # a gateway that says so for ever is not asked without a pause
        elif answer.cause in _LATER:
            self._delay(item, now, answer.max_age, False)
        else:
            self._end(item, "failed", answer.why)

    def _report_answered(self, message_id, answer, now):
        for report in self._reports:
            if report[0] != message_id:
                continue
            if answer is not None and (
                answer.accepted or answer.cause not in _LATER + (causes.CONNECTION_GONE,)
            ):
                self._reports.remove(report)
                self._ledger.reported(report[1])
                self.stats["reported" if answer.accepted else "reports_refused"] += 1
                return
            if answer is not None and answer.cause == causes.CONNECTION_GONE:
                self.registration.required(answer.why, now)
            report[3] = False
            if report[2] is None:
                report[2] = Backoff(5000, 300000, self._random)
            report[2].failed(now, answer.max_age if answer else None, answer is None)
            return

    def _delay(self, outgoing, now, max_age, silent):
        destination = (outgoing.to_type, outgoing.to)
        backoff = self._backoffs.get(destination)
        if backoff is None:
            backoff = self._backoffs[destination] = Backoff(5000, 300000, self._random)
        backoff.failed(now, max_age, silent)

    def _accept(self, outgoing, now):
        if not outgoing.report:
            self._end(outgoing, "accepted", None)
            return
        outgoing.expires = Countdown(self.config.report_timeout * 1000, now)
        crowded_out = self.outbox.accepted(outgoing)
        self._set(outgoing, "accepted")
        if crowded_out is not None:
            self._end(crowded_out, crowded_out.state, "too many others wait for a report")

    def _end(self, outgoing, state, cause):
        self._count(outgoing, state)
        outgoing.final = True
        outgoing.cause = cause
        self.outbox.ended(outgoing)
        destination = (outgoing.to_type, outgoing.to)
        if not [each for each in self.outbox.queue if (each.to_type, each.to) == destination]:
            self._backoffs.pop(destination, None)
        self._events.append((CHANGED, outgoing))

    def _set(self, outgoing, state):
        self._count(outgoing, state)
        self._events.append((CHANGED, outgoing))

    def _count(self, outgoing, state):
        if outgoing.state != state and state in self.stats:
            self.stats[state] += 1
        outgoing.state = state

    # --- what comes in ------------------------------------------------------------------------------------

    def new_message(self, message_id, sender, group, report, priority):
        """The wire: a Message without its payload. MSGin5G-5 does not say whether a UE or an AS sent it."""
        to, to_type = (self.config.ue_service_id, "UE") if group is None else (group, "GROUP")
        return Message(sender, None, to, to_type, message_id, None, priority, report)

    def message(self, message, value, now):
        """The wire: MESSAGE RECEIVED REQUEST. Gives the cause of a refusal, or None.

        `value` is octets, a Row that holds them, or the value of a `payload` member (may raise BodyError).
        """
        row = value if hasattr(value, "window") else None
        if self._ledger.seen(message.message_id):
            self.stats["repeated"] += 1
            if row is not None:
                row.remove()
            return None
        if isinstance(value, str):
            message.hold(value)
        cause = self._refusal(len(value))
        if cause is not None:
            self.stats["refused"] += 1
            if row is not None:
                row.remove()
            return cause
        if row is not None:
            message.keep(row)
        elif not isinstance(value, str):
            value = payload.octets_value(value)
        at_once = self.config.reports == "arrival" and message.report_requested
        try:
            self._ledger.received(message, None if row is not None else value, at_once)
        except OSError:
            if row is not None:
                row.remove()
            return causes.LACK_OF_RESOURCES
        self.inbox.append(message)
        self.stats["received"] += 1
        self._events.append((MESSAGE, None))
        if at_once:
            self._report(message)
        return None

    def _refusal(self, size):
        most = self.config.inbox["messages"]
        if len(self.inbox) >= most or len([report for report in self._reports if not report[3]]) >= most:
            return causes.CONGESTION
        if sum([each.stored_octets for each in self.inbox]) + size > self.config.segments["bytes"]:
            return causes.LACK_OF_RESOURCES
        return None

    def _report(self, message):
        if message.report_requested:
            message.report_owed = True
            self._reports.append([uuid.new(self._random), message, None, False])

    def reported(self, message_id, success, cause, now):
        """The wire: DELIVERY REPORT RECEIVED REQUEST about a message of ours."""
        outgoing = self.outbox.find(message_id)
        if outgoing is None:
            self.stats["unexpected"] += 1
            return
        self._wire.cancel(outgoing, now)  # its response may be the one that was lost
        if success:
            self._end(outgoing, "delivered", None)
        else:
            self._end(outgoing, "failed", cause or "the recipient reported a failure")


class _Registration:
    """As registration.Registration, for an Application ID: `state`, `cause`, `registered`; it has no lifetime."""

    def __init__(self, config, random):
        self.registered = False
        self.state = "stopped"
        self.cause = None
        self.registration_id = None
        self.stopping = False
        self._config = config
        self._retry = Backoff(2000, 300000, random)
        self._refusal = Backoff(60000, 3600000, random)
        self._due = None  # tick of the next try
        self._busy = False

    def start(self, now):
        self.stopping = False
        self.state = "registering"
        self._due = now

    def stop(self, now):
        self.stopping = True
        if not self._busy:
            self._stop(now)

    def hasten(self, now):
        """Tries at once what silence put off."""
        if self.state == "unreachable" and not self._busy and not self.stopping:
            self._due = now

    def required(self, why, now):
        """The gateway holds no registration of ours: register at once."""
        if self.registered and not self.stopping:
            self.registered = False
            self.state = "registering"
            self.cause = why
            self._due = now

    def next(self, now, free):
        """ "REG" or "DEREG" where it is time to send it and the wire is free for it, else None."""
        if self._busy or self._due is None or ticks_diff(now, self._due) < 0:
            return None
        step = "DEREG" if self.stopping else "REG"
        if not free(step, None):
            return None
        self._busy = True
        return step

    def answered(self, what, answer, now):
        self._busy = False
        self._due = None
        if what == "DEREG":
            self.registered = False
        elif answer is not None and answer.accepted:
            self.registered = True
            self.registration_id = answer.registration_id
            self.cause = None
            self.state = "registered"
            self._retry.reset()
            self._refusal.reset()
        if self.stopping:
            self._stop(now)
        elif what == "REG" and not self.registered:
            self._failed(answer, now)

    def _failed(self, answer, now):
        if answer is None:
            self.state, self.cause = "unreachable", "no answer from %s" % self._config.peer
            backoff = self._retry
        else:
            later = answer.cause in _LATER or answer.cause == causes.CONNECTION_GONE
            self.state, self.cause = "unreachable" if later else "refused", answer.why
            backoff = self._retry if later else self._refusal
        backoff.failed(now, answer.max_age if answer else None)
        self._due = backoff.deadline

    def _stop(self, now):
        if self.registered:
            self._due = now
            return
        self.state = "stopped"
        self._due = None

    def next_deadline(self, now):
        # one that is over waits for its turn
        if self._due is not None and not self._busy and ticks_diff(self._due, now) > 0:
            return self._due
        return None
