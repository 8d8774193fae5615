# SPDX-License-Identifier: MIT
"""The part of an Endpoint that answers its peers' requests: RFC 7252 sections 4.2, 4.5 and 5.2."""

from .. import numbers
from ..compat import const
from ..message import Message, MessageError, empty, encode, uint_octets
from .duplicates import Incoming, named
from .options import has_blocks, unrecognized

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Tick

    from .continuing import Continuing
else:
    Continuing = object  # its methods come into Endpoint by themselves

_REQUEST = const(1)  # of coap.exchange


class Serving(Continuing):
    """Methods of Endpoint, whose attributes they use. They come into it with the first request of a peer."""

    if _TYPING:
        ACK_DELAY: int
        MAX_INCOMING: int
        MAX_INCOMING_PER_PEER: int
        max_body: int
        max_datagram: int
        parameters: numbers.Parameters
        security: Any
        stats: dict[str, int]
        bodies: list
        put: Callable[..., None]
        _incoming: list
        _leisure: int | None
        _events: list
        _duplicates: Any
        encoded: Callable[..., Any]
        next_mid: Callable[..., int]
        start: Callable[..., Any]
        unrecognized: Callable[..., int | None]

    def respond(self, incoming: Incoming, message: Message, now: "Tick") -> None:
        """Answer a request; piggybacked where its acknowledgement is still owed, else separately. `message` stays as
        it is. What is larger than a datagram goes out in blocks, where `max_body` is not 0.

        The payload may also be a source, such as a binary file: something with `read(n)`. Of one that has `seek`, too,
        each block is read when it goes out, and any may be asked for; one without it is read once. A source that has
        `close` is closed when it is not needed any more.

        Nothing happens where the request was answered before or given up. Raise MessageError when the message is no
        response or does not fit a datagram, MemoryError, what a source raises, with `security` also StateError and
        OSError: then the request is as before, and may be answered by another message (a source that can't seek is
        used up, though).
        """
        if incoming not in self._incoming or incoming.response:
            if hasattr(message.payload, "close"):
                from ..blockwise.parts import close

                close(message.payload)
            return
        code = message.code
        if not 64 <= code < 192:
            raise MessageError("code %s is none of a response" % numbers.code_text(code))
        stream = incoming.body
        if stream:
            stream.answering(self, now)
        if incoming.quiet and self._say_nothing(incoming, message, now):
            source = message.payload
        else:
            message, source = self.shaped(incoming, message, now)
            self._send_response(incoming, message, now)
        if stream:
            stream.answered(self, code)
        if hasattr(source, "close"):
            from ..blockwise.parts import close

            close(source)

    def _send_response(self, incoming, message, now):
        request = incoming.message
        if incoming.acknowledged:
            started = self.start(
                incoming.peer, message, numbers.CON, request.token, now, None, incoming, None
            )
            incoming.response = started
            incoming.deadline = None
            return
        if request.type == numbers.CON:
            kept = datagram = self.encoded(message, numbers.ACK, request.mid, request.token)
        else:
            kept = b""
            datagram = self.encoded(message, numbers.NON, self.next_mid(), request.token)
            if incoming.leisure is not None:
                incoming.response = datagram
                incoming.deadline = incoming.leisure
                return
        self._incoming.remove(incoming)
        self.seen().answer(incoming.entry, kept, now)
        self.put(datagram, incoming.peer)

    def _say_nothing(self, incoming, message, now):
        """Where nobody wants this response, answer by what the message layer owes, an empty acknowledgement or nothing
        (RFC 7967 section 2), and return True."""
        from .silence import unwanted  # here, so that its memory is only spent where somebody wants silence

        if not unwanted(incoming.quiet, message):
            return False
        if incoming.message.type == numbers.NON:
            self.seen().answer(incoming.entry, b"")
        elif not incoming.acknowledged:
            self._acknowledge(incoming, now)
        self._incoming.remove(incoming)
        return True

    def shaped(self, incoming: "Any", message: Message, now: "Tick") -> "tuple[Message, Any]":
        """Return what goes out for a response: a part of it where it goes in blocks, and protected; and what is to be
        closed then, or None. Raise as `respond` does."""
        source = None
        if self.max_body and (has_blocks(incoming.message) or message.max_size() > self.max_datagram):
            # here, so that its memory is only spent where it is needed
            from ..blockwise.slicing import sliced

            message, source = sliced(self, incoming, message, now)
        elif hasattr(message.payload, "read"):
            raise MessageError("a source goes out in blocks: max_body is 0")
        if incoming.binding:
            message = self.security.protect_response(message, incoming.binding)
        return message, source

    def overdue(self, incoming: Incoming, now: "Tick") -> None:
        """Acknowledge a request that is not answered yet, send what waited for its leisure, or give the request up."""
        confirmable = incoming.message.type == numbers.CON
        if confirmable and not incoming.acknowledged:
            self._acknowledge(incoming, now)
            return
        if incoming.body:
            incoming.body.give_up(self)
        self._incoming.remove(incoming)
        if incoming.response:
            incoming.entry.answer = b""
            self.put(incoming.response, incoming.peer)
            return
        self.stats["abandoned"] += 1
        if incoming.entry.answer is None:
            incoming.entry.answer = b""
        if confirmable:
            # The acknowledgement has promised a response (section 5.2.2). An error is sent, but not as a
            # confirmable message.
            try:
                answer = Message(numbers.INTERNAL_SERVER_ERROR)
                if incoming.binding:
                    answer = self.security.protect_response(answer, incoming.binding)
                token = incoming.message.token
                self.put(encode(answer, numbers.NON, self.next_mid(), token), incoming.peer)
            except (MemoryError, OSError):
                self.stats["dropped"] += 1

    def _refuse_long(self, datagram, peer):
        # The link cut it, so only the head can be trusted; a request learns what would fit (section 5.9.2.9).
        self.stats["refused"] += 1
        end = 4 + (datagram[0] & 15)
        if datagram[0] & 0xF0 == 0x40 and end <= 12 and numbers.is_request(datagram[1]):
            if self.max_body:
                from ..blockwise.receiving import too_long

                options = too_long(self, datagram, peer)
            else:
                max_size = max(0, self.max_datagram - 64)  # 64 for head and options
                options = [(numbers.SIZE1, uint_octets(max_size))]
            answer = Message(numbers.REQUEST_ENTITY_TOO_LARGE, options=options)
            mid = datagram[2] << 8 | datagram[3]
            self._put_unless_flooded(encode(answer, numbers.ACK, mid, bytes(datagram[4:end])), peer)

    def _receive_request(self, message, peer, now, datagram):
        name = named(message.mid, datagram)
        entry = self.seen().find(peer, name, now)
        if entry is not None:
            self._repeat(entry, message, now)
            return
        answer = binding = None
        if self.security:
            message, binding, answer = self._unprotected(message, peer, now, len(datagram))
            if not message:
                return
        refusal = answer or self._refusal(message, peer, binding)
        if refusal:
            self.stats["refused"] += 1
            if not binding:
                if self._leisure is None:
                    self._refuse(refusal, message, peer, 0)
                return
        self._take_in(message, peer, now, name, binding, refusal)

    def _unprotected(self, message, peer, now, size):
        """Return (plain request, Binding, answer that it must get at once or None); (None, None, None) where it is
        refused, or a part of one. There is no Binding where the request came unprotected, and may."""
        self._seen = self.security.save()
        plain, binding, answer = self.security.unprotect_request(message, peer, now)
        if not plain:
            # where it was the memory or the storage that failed at last
            self.security.restore(self._seen)
            if not answer or numbers.is_error(answer.code):
                self.stats["refused"] += 1
            if answer and message.type == numbers.CON:
                self._refuse(answer, message, peer, size)
            return None, None, None
        return plain, binding, answer

    def _take_in(self, message, peer, now, name, binding, answer):
        """Keep a request until it is answered: at once where there is an `answer`, else by the layer above."""
        confirmable = message.type == numbers.CON
        lifetime = self.parameters.exchange_lifetime if confirmable else self.parameters.non_lifetime
        entry = self.seen().add(peer, name, now + lifetime, now)
        incoming = Incoming(message, peer, now + (self.ACK_DELAY if confirmable else lifetime), entry)
        if binding:
            incoming.binding = binding
        if answer is None:
            self._note_silence(incoming, now)
        self._incoming.append(incoming)
        if answer is None and self.max_body and has_blocks(message):
            from ..blockwise.receiving import add_request_block

            answer = add_request_block(self, incoming, self._incoming, now)
        # The last step, and where it fails, Endpoint.receive takes all of this back.
        if answer:
            self.respond(incoming, answer, now)
        elif answer is None:
            self._events.append((_REQUEST, incoming, message))

    def _note_silence(self, incoming, now):
        """Take note of which responses nobody wants, and when those that go to who asked many are sent."""
        quiet = incoming.message.uint(numbers.NO_RESPONSE)
        if quiet:
            incoming.quiet = quiet & 26  # other bits have no meaning there
        if self._leisure is not None:
            from .multicast import at_leisure

            at_leisure(incoming, now + self._leisure * int.from_bytes(self.random(2), "big") // 65536)

    def _refusal(self, message, peer, binding):
        """Return the answer to a request that is not let in, or None. No state is kept of such a request."""
        options = []
        payload = b""
        code = self._admit(message, peer) if self._admit else None
        if code is None:
            option = unrecognized(message, self.max_body, self.understands)
            if option in (numbers.PROXY_URI, numbers.PROXY_SCHEME):
                code = numbers.PROXYING_NOT_SUPPORTED  # section 5.10.2
            elif option is not None:
                code = numbers.BAD_OPTION
                payload = b"option %d" % option
            elif message.option(numbers.HOP_LIMIT) == b"\0":
                code = numbers.BAD_REQUEST  # RFC 8768 section 3
            else:
                # A key has its share, from however many ports. What came by multicast has places of its own:
                # multicast.admits.
                waiting = [i for i in self._incoming if i.leisure is None]
                whose = binding.context if binding else peer
                own = [1 for i in waiting if (i.binding.context if i.binding else i.peer) == whose]
                if self._leisure is not None or (
                    len(waiting) < self.MAX_INCOMING and len(own) < self.MAX_INCOMING_PER_PEER
                ):
                    return None
                code = numbers.TOO_MANY_REQUESTS
                options.append((numbers.MAX_AGE, uint_octets(max(1, self.parameters.ack_timeout // 1000))))
        return Message(code, payload, options)

    def _refuse(self, refusal, request, peer, max_size):
        """Answer a request that nothing is kept of, in at most `max_size` octets where that is not 0. One that is not
        confirmable is rejected where it has an option that is not known (section 5.4.1), and told that this is no
        proxy (5.10.2); all else is no news to who did not ask for a reply."""
        if request.type == numbers.NON:
            if refusal.code == numbers.BAD_OPTION:
                self._reset(request.mid, peer)
            elif refusal.code == numbers.PROXYING_NOT_SUPPORTED:
                self._put_unless_flooded(encode(refusal, numbers.NON, self.next_mid(), request.token), peer)
            return
        datagram = encode(refusal, numbers.ACK, request.mid, request.token)
        if max_size and len(datagram) > max_size:
            datagram = encode(Message(refusal.code), numbers.ACK, request.mid, request.token)
        self._put_unless_flooded(datagram, peer)

    def _repeat(self, entry, message, now):
        """Send the same answer to a message that came again (section 4.2); nothing else happens."""
        self.stats["duplicates"] += 1
        answer = entry.answer
        if answer is None:
            for incoming in self._incoming:
                if incoming.entry is entry and incoming.message.type == numbers.CON:
                    self._acknowledge(incoming, now)  # the peer is waiting: tell it that we have it
                    break
        elif answer or answer == numbers.EMPTY and message.type == numbers.CON:
            if isinstance(answer, int):  # no more than the code of it was kept
                token = message.token if answer else b""
                answer = encode(Message(answer), numbers.ACK, message.mid, token)
            self._put_unless_flooded(answer, entry.peer)

    def _acknowledge(self, incoming, now):
        """Send the empty acknowledgement that announces a separate response (section 5.2.2)."""
        answer = empty(numbers.ACK, incoming.message.mid)
        deadline = now + self.parameters.exchange_lifetime
        incoming.acknowledged = True
        incoming.deadline = deadline
        self.seen().answer(incoming.entry, answer)
        self.put(answer, incoming.peer)
