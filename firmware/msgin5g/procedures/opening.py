# SPDX-License-Identifier: MIT
"""What a client needs once, when it is made, and unloads then: the CoAP endpoint with the security that the
configuration asks for, and what a configuration must be for a Client. OSCORE is imported where it is used."""

import msgin5g
from coap.endpoint import Endpoint
from coap.endpoint.parameters import Parameters

from ..security import room


def check_role(config):
    """Raise ConfigError where the configuration is not that of a Client."""
    if config.role != "client":
        raise msgin5g.ConfigError("role", 'must be "client" for a Client')
    if config.peer_scheme.startswith("l3+"):
        raise msgin5g.ConfigError(
            "peer", 'cannot be %s: here, which is for the role "application client"' % config.peer_scheme
        )


def check_room(config, registration):
    """Raise ConfigError where a registration would not fit a datagram."""
    max_datagram = config.coap["max_datagram"]
    for step in ("GWREG", "REG"):
        needed = max_datagram - room(config) + len(registration.body(step))
        if needed > max_datagram:
            raise msgin5g.ConfigError(
                "coap.max_datagram", "must be %d or more with these service IDs" % needed
            )


def endpoint(config, storage, random, admit):
    """Return the Endpoint. `admit` decides about requests where there is no security. Raise ConfigError."""
    coap = config.coap
    parameters = Parameters(
        int(coap["ack_timeout"] * 1000), coap["ack_random_factor"], coap["max_retransmit"], coap["nstart"]
    )
    if coap["confirmable"] == "spec":
        # A round trip, and the time that the peer has to answer: what is lost goes again, confirmable
        parameters.non_timeout = 2 * parameters.ack_timeout
    keys = config.security
    if keys["mode"] == "none":
        return Endpoint(parameters, coap["max_datagram"], random, admit)
    for name in ("master_secret", "sender_id", "recipient_id"):
        if keys[name] is None:
            raise msgin5g.ConfigError(
                "security." + name,
                'is missing: provision the keys that the gateway has for this device, or write {"mode": "none"} to send'
                " everything in the clear",
            )
    if keys["sender_id"] == keys["recipient_id"]:
        raise msgin5g.ConfigError("security.recipient_id", "must differ from security.sender_id")
    from coap import oscore

    try:
        context = oscore.Context(
            keys["master_secret"],
            keys["sender_id"],
            keys["recipient_id"],
            storage,
            keys["master_salt"] or b"",
            keys["id_context"],
            random,
        )
    except oscore.StateError as error:
        raise msgin5g.ConfigError("security.master_secret", "cannot be used any more: %s" % error)
    # No proxy stands between a device and its gateway, so nothing comes in outer blocks.
    security = oscore.Security(context, max_unfragmented=0)
    return Endpoint(parameters, coap["max_datagram"], random, security=security)
