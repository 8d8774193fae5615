# SPDX-License-Identifier: MIT
# Runs on MicroPython. One confirmable POST of 100 octets and its piggybacked answer, with all that a loop asks of the
# endpoint on the way; the socket alone is left out.
import coap

PEER = ("192.0.2.1", 5683)
endpoint = coap.Endpoint()
payload = bytes(100)


def exchange():
    request = coap.Message(coap.POST, payload, coap.path_options("/msgin5g"))
    endpoint.request(request, PEER, 0)
    sent = endpoint.outgoing()[0]
    assert endpoint.outgoing() is None
    endpoint.next_deadline()
    # 2.04 as an acknowledgement, with the message ID and the token of four octets
    endpoint.receive(b"\x64\x44" + sent[2:8], PEER, 0)
    assert endpoint.outgoing() is None
    kind, _, response = endpoint.next_event()
    assert kind == coap.RESPONSE and response.code == coap.CHANGED
    assert endpoint.next_event() is None
