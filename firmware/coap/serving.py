# SPDX-License-Identifier: MIT
"""The part of an Endpoint that answers its peers' requests: RFC 7252 sections 4.2, 4.5 and 5.2."""

from . import numbers
from .exchange import REQUEST, Incoming
from .message import Message, encode, has_blocks, uint_octets, unrecognized


class Serving:
    """For Endpoint, whose attributes these methods use."""

    def respond(self, incoming, message, now):
        """Answers a request; piggybacked where its acknowledgement is still owed, else separately.

        Nothing happens where the request was answered before or given up. Raises MessageError when the
        message does not fit a datagram.
        """
        if incoming not in self._incoming or incoming.response:
            return
        request = incoming.message
        message.token = request.token
        if self.max_body and has_blocks(request):
            from .blockwise import shape  # here, so that its memory is only spent where it is needed

            shape(request, message)
        if incoming.binding:
            message = self.security.protect_response(message, incoming.binding)
        if incoming.acknowledged:
            message.type = numbers.CON
            message.mid = self._next_mid()
            incoming.response = self._start(incoming.peer, message, None, now, None, incoming)
            incoming.deadline = None
            return
        confirmable = request.type == numbers.CON
        message.type = numbers.ACK if confirmable else numbers.NON
        message.mid = request.mid if confirmable else self._next_mid()
        datagram = self._encode(message)
        self._incoming.remove(incoming)
        self._duplicates.answer(incoming.entry, datagram if confirmable else b"")
        self._put(datagram, incoming.peer)

    def _refuse_long(self, datagram, peer):
        # The link cut it, so only the head can be trusted; a request learns what would fit (section 5.9.2.9).
        self.stats["refused"] += 1
        end = 4 + (datagram[0] & 15)
        if datagram[0] & 0xF0 == 0x40 and end <= 12 and 0 < datagram[1] < 32:
            answer = Message(numbers.REQUEST_ENTITY_TOO_LARGE, type=numbers.ACK)
            answer.mid = datagram[2] << 8 | datagram[3]
            answer.token = bytes(datagram[4:end])
            most = max(0, self.max_datagram - 64)  # 64 for head and options
            answer.options = [(numbers.SIZE1, uint_octets(self.max_body or most))]
            if self.max_body:
                from .blockwise import size_hint

                answer.options += size_hint(datagram, self.max_datagram)
            self._put(encode(answer), peer)

    def _receive_request(self, message, peer, now, size):
        # What tells the request itself, come again, from a forged and smaller one that wants the answer kept for it
        mark = (size, bytes(message.payload[-8:])) if self.security else None
        entry = self._duplicates.find(peer, message.mid, now)
        if entry is not None:
            if entry.mark == mark:
                self._repeat(entry, now)
            else:
                self.stats["refused"] += 1
            return
        confirmable = message.type == numbers.CON
        answer = binding = None
        if self.security:
            plain, binding, answer = self.security.unprotect_request(message, peer, now)
            if not binding:
                self.stats["refused"] += 1
                if answer and confirmable:
                    self._refuse(answer, message, peer, size)
                return
            message = plain
        refusal = answer or self._refusal(message, peer)
        if refusal:
            self.stats["refused"] += 1
            if not binding:
                if confirmable:
                    self._refuse(refusal, message, peer, 0)
                elif refusal.code == numbers.BAD_OPTION:
                    self._reset(message.mid, peer)  # section 5.4.1, for a non-confirmable request
                return
        lifetime = self.parameters.exchange_lifetime if confirmable else self.parameters.non_lifetime
        entry = self._duplicates.add(peer, message.mid, now + lifetime, now)
        if mark:
            entry.mark = mark
        incoming = Incoming(message, peer, now + (self.ACK_DELAY if confirmable else lifetime), entry)
        incoming.binding = binding
        answer = refusal
        if answer is None and self.max_body and has_blocks(message):
            from .blockwise import take

            whole = len([i for i in self._incoming if i.message.option(numbers.BLOCK1) is not None])
            deadline = now + self.parameters.exchange_lifetime
            answer = take(self._bodies, message, peer, deadline, self.max_body, whole)
        self._incoming.append(incoming)
        if answer:
            self.respond(incoming, answer, now)
            return
        self._events.append((REQUEST, incoming, message))

    def _refusal(self, message, peer):
        """The answer to a request that is not let in, or None. No state is kept of such a request."""
        options = []
        payload = b""
        code = self._admit(message, peer) if self._admit else None
        if code is None:
            option = unrecognized(message, self.max_body)
            if option in (numbers.PROXY_URI, numbers.PROXY_SCHEME):
                code = numbers.PROXYING_NOT_SUPPORTED  # section 5.10.2
            elif option is not None:
                code = numbers.BAD_OPTION
                payload = b"option %d" % option
            elif (
                len(self._incoming) >= self.MAX_INCOMING
                or len([i for i in self._incoming if i.peer == peer]) >= self.MAX_INCOMING_PER_PEER
            ):
                code = numbers.TOO_MANY_REQUESTS
                options.append((numbers.MAX_AGE, uint_octets(max(1, self.parameters.ack_timeout // 1000))))
            else:
                return None
        return Message(code, payload, options)

    def _refuse(self, refusal, request, peer, most):
        """The answer to a request that nothing is kept of: of at most so many octets, where `most` is not 0."""
        refusal.type = numbers.ACK
        refusal.mid = request.mid
        refusal.token = request.token
        datagram = encode(refusal)
        if most:
            if len(self._queue) > self.MAX_QUEUE // 2:
                self.stats["dropped"] += 1  # before a flood of these makes our own messages drop
                return
            if len(datagram) > most:
                refusal.options = ()
                refusal.payload = b""
                datagram = encode(refusal)
        self._put(datagram, peer)

    def _repeat(self, entry, now):
        """A message came again: the same answer goes out again (section 4.2), nothing else happens."""
        self.stats["duplicates"] += 1
        if entry.answer:
            if len(self._queue) > self.MAX_QUEUE // 2:
                self.stats["dropped"] += 1  # before a flood of these makes our own messages drop
                return
            self._put(entry.answer, entry.peer)
        elif entry.answer is None:
            for incoming in self._incoming:
                if incoming.entry is entry and incoming.message.type == numbers.CON:
                    self._acknowledge(incoming, now)  # the peer is waiting: tell it that we have it
                    break

    def _acknowledge(self, incoming, now):
        """The empty acknowledgement that announces a separate response (section 5.2.2)."""
        answer = encode(Message(numbers.EMPTY, type=numbers.ACK, mid=incoming.message.mid))
        incoming.acknowledged = True
        incoming.deadline = now + self.parameters.exchange_lifetime
        self._duplicates.answer(incoming.entry, answer)
        self._put(answer, incoming.peer)
