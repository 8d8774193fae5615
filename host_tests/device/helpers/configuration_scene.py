# SPDX-License-Identifier: MIT
"""What the tests of a device's configuration share: a device that knows its UE ID, and a server."""

import json

import coap
from msgin5g_scene import HOUR, SECOND, Scene, agree, max_age

UE_ID = "urn:imei:35-209900-176148-1"
UE = "ue:s1@example.org"
ETAG = b"\x01\x02\x03\x04\x05\x06\x07\x08"


def document(ue=UE, server=None, size=None, form="json"):
    """The answer of a server: the array of TS 24.546 clause C.4."""
    members = {"ueServiceId": ue}
    if server is not None:
        members["serverAddr"] = server
    if size is not None:
        members["segSize"] = size
    data = json.dumps(members)
    if form == "xml":
        data = "<c><MSGin5G-UE-Service-id>%s</MSGin5G-UE-Service-id></c>" % ue
    part = {"configType": "ON_NETWORK", "configData": data}
    whole = {"ueConfigDocId": "3f2a", "valUeIds": {"uris": [UE_ID]}, "ueConfigs": [part]}
    return json.dumps([whole]).encode()


def content(octets, seconds=86400, etag=ETAG):
    options = [(coap.CONTENT_FORMAT, b"\x32"), (coap.ETAG, etag)]
    return coap.CONTENT, octets, options + max_age(seconds)


class Server:
    """Answers requests for the configuration with `config`, all else as `agree` does."""

    def __init__(self, config):
        self.config = config

    def __call__(self, asked):
        return self.config if asked.kind == "CONFIG" else agree(asked)


def scene(config, storage=None, **more):
    """A device that knows its UE ID only, at a server that answers so."""
    members = {"ue_service_id": None, "ue_id": UE_ID}
    members.update(more)
    return Scene(Server(config), storage, **members)


def state(made):
    registration = made.client.registration
    return registration.state, registration.cause


def option(message, number):
    return [bytes(value) for each, value in message.options if each == number]


def who(asked):
    return asked.body["oriAddr"]["addr"]


def host(made, kind="REG"):
    return option(made.of(kind)[-1].message, coap.URI_HOST), option(made.of(kind)[-1].message, coap.URI_PORT)


def changed(before, after, **more):
    """A registered device whose configuration is asked for again."""
    made = scene(before, **more).start()
    made.answer.config = after
    made.forget()
    made.run(86411 * SECOND - HOUR)
    made.forget()
    return made
