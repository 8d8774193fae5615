# SPDX-License-Identifier: MIT
"""Groups, as a member of them: TS 24.538 clause 6.8.3 by SEAL group management, TS 24.544 clauses 6.2.4, 6.2.5, 6.2.7,
6.2.9 and annex C.2. Imported when the first call asks for it. Nothing is needed to send to a group.

One observation says which groups this device is a member of. It stays, over restarts, as a topic does; which groups
are known is kept with it, so that each change is told once. To join, to leave, and to ask who the members are is a call
each: it is asked again after a silence as long as the application waits for it, and not kept over a restart.
"""

import msgin5g
from coap import numbers
from coap.compat import const
from coap.message import Message, uint_octets

from ..events import GROUP
from ..rules import states
from ..rules.subscriptions import Subscription, Subscriptions
from ..store.kept import Kept
from ..timing import Countdown
from ..wire import bodies, groups
from ..wire.identifiers import BodyError, service_id_error

FILE = "groups"
_VERSION = const(1)  # of that file
_MAX_FILE = const(12288)  # what an answer can name, each octet escaped
_MAX_NAME = const(242)  # octets of a group's ID: with val-group-id= before it, it is one Uri-Query option
_MAX_CALLS = const(8)  # that wait at once
_DEFAULT_LIFETIME = const(3600)  # s, where the server does not say
_UNOBSERVED = const(300)  # s until it is asked again where the server notifies of nothing
_OTHERS = const(96)  # octets of a datagram with a block that are not of the block
_USUAL = const(1152)  # octets of a datagram that every server may expect: RFC 7252 section 4.6

# The states of a call: clause 6.8.3. First the device looks for the group and its own place in it, then asks for what
# is wanted there.
CALL = (
    ("waiting", "found", "done", "refused"),
    b"aacd",
    "found granted refused",
    b"bcd"  # waiting
    b".cd"  # found
    b"..."  # done
    b"...",  # refused
)


class Group:
    """A group that this device is a member of. `state` is "announced", "left", or "gone": the group is, or the device's
    membership."""

    cause = None

    def __init__(self, group_id, joined=True):
        self.group_id = group_id
        self.name = None
        self.joined = joined  # whether what is sent to the group comes here
        self.state = "announced"

    def __repr__(self):
        return "<Group %s, %s>" % (self.group_id, self.state if self.joined else "not joined")

    @property
    def title(self):
        """What it is called in a line of the console."""
        return "group " + self.group_id


class _Watch(Subscription):
    title = "groups"


class Call:
    """ "join", "leave" or "members" (`what`) of a group: `state` is "waiting", "done" or "refused" (`cause` says why);
    `result` are the members."""

    kind = "GROUP"

    def __init__(self, what, group_id, now):
        self.what = what
        self.group_id = group_id
        self.stands = "waiting"  # of CALL
        self.cause = None
        self.result = None
        self.request = None  # (code, options, body) of what is wanted, once it was found
        self.alone = False  # whether this group alone is looked for, and not all of this device
        # as of a Subscription
        self.on_air = None
        self.exchange = None
        self.due = Countdown(0, now)
        self.backoff = None
        self.denied = False

    @property
    def state(self):
        """The word for where it stands."""
        return states.word(CALL, self.stands)

    @property
    def done(self):
        """Whether it has ended."""
        return self.state != "waiting"

    @property
    def title(self):
        """What it is called in a line of the console."""
        return "%s %s" % (self.what, self.group_id)


class Groups(Subscriptions):
    """The groups of a Client: `known` are those that it was told of, in the server's order."""

    event = GROUP
    blocks = True

    def __init__(self, client):
        super().__init__(client)
        self.known = []
        self._file = Kept(client.storage, FILE, _VERSION, _MAX_FILE)
        rows = self._file.read()
        if rows and not self._full():
            leaving = rows[0][0] is True
            self.subscriptions.append(_Watch("unsubscribing" if leaving else "resuming"))
        for fields in rows[1:]:
            if not service_id_error(fields[0]) and self._find(fields[0]) is None:
                self.known.append(Group(fields[0], fields[1:2] != [False]))

    # --- what the application asks for ------------------------------------------------------------------

    def watch(self, now):
        """Return the Subscription to what the server says of this device's groups. Raise ValueError where as many
        topics are subscribed as a device can have, StorageError."""
        return self._wish("subscribe", now)

    def unwatch(self, now):
        """End that, and forget what was known. Raise StorageError."""
        return self._wish("unsubscribe", now)

    def _wish(self, event, now):
        watch = self._watch()
        if watch is None:
            watch = _Watch("unsubscribed")
            if event == "unsubscribe":
                return watch
            if self._full():
                raise ValueError("groups: need one topic less, as many are subscribed as a device can have")
            self.subscriptions.insert(0, watch)
        try:
            new = self._changed(watch, event)
        except OSError as error:
            raise msgin5g.StorageError(error)
        if new or watch.due is None:
            watch.due = Countdown(0, now)
        return watch

    def join(self, group, now):
        """Return a Call that makes this device a registered member (TS 24.544 clause 6.2.7): PUT on its own entry.

        Raise ValueError for what can be no group, GroupError where too many calls wait.
        """
        return self._called("join", group, now)

    def leave(self, group, now):
        """Return a Call that ends the membership (TS 24.544 clause 6.2.9): DELETE of its own entry. Raise as `join`."""
        return self._called("leave", group, now)

    def members(self, group, now):
        """Return a Call whose `result` are the UE Service IDs of the members. Raise as `join`."""
        return self._called("members", group, now)

    def withdraw(self, call, now):
        """Forget a Call: nobody waits for it any more. What is on the air may still come to pass."""
        if call in self.subscriptions:
            self.subscriptions.remove(call)
            if call.on_air is not None:
                self._client.cancel(call.exchange, now)

    def _called(self, what, group, now):
        why = service_id_error(group)
        if not why and len(group.encode()) > _MAX_NAME:
            why = "must be a string of 1 to %d octets" % _MAX_NAME
        if why:
            raise ValueError("group: " + why)
        if len([each for each in self.subscriptions if isinstance(each, Call)]) >= _MAX_CALLS:
            raise msgin5g.GroupError("%s %s: %d such calls wait already" % (what, group, _MAX_CALLS))
        call = Call(what, group, now)
        self.subscriptions.append(call)
        return call

    def _watch(self):
        for each in self.subscriptions:
            if isinstance(each, Subscription):
                return each
        return None

    def _find(self, group_id):
        for group in self.known:
            if group.group_id == group_id:
                return group
        return None

    def _store(self):
        watch = self._watch()
        rows = []
        if watch is not None and watch.stands not in ("unsubscribed", "refused"):  # "postponed" is kept
            rows = [[watch.kind == "UNSUB"]] + [[each.group_id, each.joined] for each in self.known]
        self._file.write(rows)

    # --- what goes out ----------------------------------------------------------------------------------

    def _body(self):
        return b""

    def _request(self, subscription, message):
        """Return the request of the watch, or of a call, in the place of the client's."""
        config = self._client.config
        code = numbers.GET
        body = b""
        if isinstance(subscription, Call) and subscription.request is not None:
            code, options, body = subscription.request
            options = list(options)
        else:
            options = [(numbers.URI_PATH, part.encode()) for part in groups.ROOT]
            if isinstance(subscription, Call) and subscription.alone:
                options.append((numbers.URI_QUERY, ("val-group-id=" + subscription.group_id).encode()))
        if code == numbers.GET:
            options.append((numbers.URI_QUERY, ("member-id=" + config.ue_service_id).encode()))
            options.append((numbers.ACCEPT, uint_octets(numbers.JSON)))
            if config.coap["max_datagram"] < _USUAL:
                from coap.blockwise.option import fitting

                options.append((numbers.BLOCK2, uint_octets(fitting(config.coap["max_datagram"] - _OTHERS))))
        elif body:
            options.append((numbers.CONTENT_FORMAT, uint_octets(numbers.JSON)))
        options += [each for each in message.options if each[0] in (numbers.URI_HOST, numbers.URI_PORT)]
        return Message(code, body, options)

    def ask(self, client, subscription, message, now):
        if not isinstance(subscription, Call):
            return super().ask(client, subscription, message, now)
        message = self._request(subscription, message)
        return client.endpoint.request(message, client.peer, now, (self, subscription))

    def sent(self, subscription, exchange):
        if isinstance(subscription, Call):
            subscription.exchange = exchange

    # --- what comes in ----------------------------------------------------------------------------------

    def answered(self, subscription, message, now):
        if (
            isinstance(subscription, Call)
            and subscription.request is not None
            and subscription.what == "leave"
            and message.code == numbers.NOT_FOUND
        ):
            message = Message(numbers.DELETED)  # it was gone before, as after a request whose answer was lost
        super().answered(subscription, message, now)

    def unanswered(self, subscription, now, why=None, silent=True):
        super().unanswered(subscription, now, why, silent)
        if isinstance(subscription, Call) and why is not None and silent and subscription.request is None:
            # The answer may be too long: many groups have this device, or this group many members, of whom a server may
            # name all where one group is asked for.
            if not subscription.alone:
                subscription.due = Countdown(0, now)
            subscription.alone = not subscription.alone

    def _read(self, subscription, message, now):
        if not isinstance(subscription, Call):
            self._announced(groups.documents(bytes(message.payload)))
            seconds = message.uint(numbers.MAX_AGE, _DEFAULT_LIFETIME)
            if not subscription.observation.established:
                seconds = min(seconds, _UNOBSERVED)
            self._granted(subscription, seconds, now)
        elif subscription.request is None:
            self._found(subscription, message, now)
        else:
            if subscription.what == "members":
                found = groups.documents(bytes(message.payload))
                if not found:
                    raise BodyError("body", "no document")
                subscription.result = groups.members(found[0])
            self._ended(subscription, "granted")
            self._changed_by(subscription)

    def _found(self, call, message, now):
        """Take the document of a call's group: what is wanted goes out next."""
        config = self._client.config
        for document in groups.documents(bytes(message.payload)):
            if groups.group_id(document) == call.group_id:
                break
        else:
            call.cause = "there is no such group, or this device is no member of it"
            self._ended(call, "refused")
            return
        if call.what == "members":
            options = groups.document_path(document)
            options.append((numbers.URI_QUERY, b"group-members=true"))
            call.request = numbers.GET, options, b""
        else:
            own = groups.entry(document, (config.ue_service_id, config.ue_id))
            options = groups.entry_path(document, own, config.ue_service_id)
            if call.what == "leave":
                call.request = numbers.DELETE, options, b""
            else:
                if own is None:
                    own = {"memberId": {"valUserId": config.ue_service_id}, "membershipType": "EXPLICIT"}
                call.request = numbers.PUT, options, groups.registered(own)
        call.stands = states.after(CALL, call.stands, "found")
        call.backoff = call.cause = None
        call.due = Countdown(0, now)

    def _changed_by(self, call):
        """Take note of what a call has changed."""
        group = self._find(call.group_id)
        if call.what == "join" and group is not None:
            group.joined = True
        elif call.what == "leave":
            if group is None:
                group = Group(call.group_id)
            else:
                self.known.remove(group)
            self._tell(group, "left")
        else:
            return
        self._kept()

    def _announced(self, documents):
        """Take what the server says of this device's groups, and tell what is new in it. Raise BodyError."""
        config = self._client.config
        known = []
        for document in documents:
            group_id = groups.group_id(document)
            group = self._find(group_id) or Group(group_id)
            name = document.text("groupName", None)
            joined = groups.joined(groups.entry(document, (config.ue_service_id, config.ue_id)))
            known.append((group, name, joined))
        before = self.known
        was = [(each.group_id, each.joined) for each in before]
        after = []
        for group, name, joined in known:
            if group.group_id not in [each.group_id for each in after]:
                group.name = name
                group.joined = joined
                after.append(group)
        told = [(GROUP, group) for group in after if group not in before]
        gone = [(GROUP, group) for group in before if group not in after]
        self._client.events += told + gone
        self.known = after  # nothing was told or changed where memory ended before
        for _, group in gone:
            group.state = "gone"
        if was != [(each.group_id, each.joined) for each in after]:
            self._kept()

    def notified(self, observation, message, now):
        """Take a notification: the documents anew, or the end of them."""
        watch = observation.tag[1]
        cause = None
        again = False
        if not numbers.is_success(message.code):
            cause = bodies.failure(message)
        elif message.uint(numbers.BLOCK2, 0) & 8:
            again = True  # only the first block: the whole has to be asked for
        else:
            try:
                self._announced(groups.documents(bytes(message.payload)))
            except BodyError as error:
                cause = "notification not understood, %s" % error
        observation.accept(message, now)
        if watch.kind != "SUB":
            return
        if again:
            watch.due = Countdown(0, now)
        elif cause is not None or not observation.established:
            self._later(watch, cause, message.uint(numbers.MAX_AGE), False, now)

    # --- how it goes on ---------------------------------------------------------------------------------

    def _tell(self, group, state):
        group.state = state
        self._client.events.append((GROUP, group))

    def _kept(self):
        try:
            self._store()
        except OSError:
            pass  # after a restart some are announced, or gone, once more

    def _refused(self, subscription, cause, now):
        if isinstance(subscription, Call):
            subscription.cause = cause
            self._ended(subscription, "refused")
        else:
            super()._refused(subscription, cause, now)

    def _ended(self, call, event):
        call.stands = states.after(CALL, call.stands, event) or call.stands
        self.subscriptions.remove(call)
        self._client.events.append((GROUP, call))

    def _on(self, subscription, event):
        super()._on(subscription, event)
        if subscription.state == "unsubscribed":
            self.known = []


def start(client):
    """Return the Groups of a Client."""
    return Groups(client)
