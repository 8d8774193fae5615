# SPDX-License-Identifier: MIT
"""The OpenAPI document as tests read it: schemas to hold bodies against, examples, what each call may answer."""

import json

import jsonschema_rs

from tools.page import openapi
from tools.store.server.listtables import ListAt
from tools.store.server.peertables import PeerServer

DOCUMENT = json.loads(openapi.DOCUMENT.read_text())
PROBLEM = "application/problem+json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def resolved(node):
    """The node that a $ref names, which nothing of ours stands beside but a description."""
    while "$ref" in node:
        target = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def message_gateway(g):
    """Has a Legacy 3GPP Message Gateway for the UE of the examples; the headers with its token."""
    with g.store.transaction():
        g.store.add_message_gateway(
            "L3G", "mgw:sms@example.org", "http://127.0.0.1:1", ["ue:phone@sms.example.org"]
        )
        token, _ = g.store.add_peer_token("L3G", "mgw:sms@example.org")
    return {"Authorization": "Bearer " + token}


def needs_gateway(path, body):
    """Whether this request is one of a message gateway."""
    return path.startswith("/msgs-msgdelivery/") and body["oriAddr"].get("addrType") == "UE"


def other_server(g):
    """Has another server, which is subscribed to the list of topics and to which we are; the headers with its token."""
    with g.store.transaction():
        g.store.set_peer(PeerServer("b.example", "http://127.0.0.1:1", None, "", "once"))
        g.store.follow_list("b.example", LIST_ID, "http://127.0.0.1:1", 4e9)
        g.store.set_list_at(ListAt("b.example", LIST_ID, None, 4e9))
        token, _ = g.store.add_peer_token("SERVER", "b.example")
    return {"Authorization": "Bearer " + token}


def token_of(g, path, body):
    """The headers with the token of who sends this request, where one is needed."""
    if body and needs_gateway(path, body):
        return message_gateway(g)
    return other_server(g) if "/topiclist-" in path else {}


LIST_ID = "7" * 16


def operations():
    """{(path, method): operation}"""
    return {
        (path, method): operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def _closed(schema):
    """The schema without room for members that it does not name: what we send has none."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def _validator(schema, components):
    whole = dict(schema, components={"schemas": components})
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def reads(schema):
    """Validates what is sent to the gateway: members that no schema names are ignored there."""
    return _validator(schema, DOCUMENT["components"]["schemas"])


def sent(schema):
    """Validates what the gateway sends."""
    return _validator(_closed(schema), _closed(DOCUMENT["components"]["schemas"]))


def contents():
    """(where, content type, media type object) of each body that the document describes."""
    for (path, method), operation in operations().items():
        yield from _contents("%s %s" % (method, path), operation)
        for name, callback in operation.get("callbacks", {}).items():
            for item in callback.values():
                for each in item.values():
                    yield from _contents("callback " + name, each)


def _contents(where, operation):
    for type_, media in operation.get("requestBody", {}).get("content", {}).items():
        yield where + " request", type_, media
    for status, response in operation["responses"].items():
        for type_, media in resolved(response).get("content", {}).items():
            yield "%s %s" % (where, status), type_, media


def calls():
    """(name, path, method, body, status, body of the answer) of each example that has an answer of the same name."""
    for (path, method), operation in operations().items():
        for name, example in examples(operation.get("requestBody", {})).items():
            for status, response in operation["responses"].items():
                answer = examples(resolved(response)).get(name)
                if answer:
                    yield name, path, method, example["value"], int(status), answer["value"]


def examples(body):
    return {
        name: example
        for media in body.get("content", {}).values()
        for name, example in media.get("examples", {}).items()
    }


def problem_examples(status):
    """The ProblemDetails that the document gives as examples of a status."""
    documented = [
        resolved(operation["responses"].get(str(status), {})) for operation in operations().values()
    ]
    documented += DOCUMENT["components"]["responses"].values()
    given = [example["value"] for each in documented for example in examples(each).values()]
    return [value for value in given if value.get("status") == status]


def check(path, method, status, headers, octets):
    """Asserts that the document says that this call may be answered so. `headers`: a mapping that knows no case."""
    if (path, method) not in operations():
        response = DOCUMENT["components"]["responses"][{404: "NotFound", 405: "MethodNotAllowed"}[status]]
    else:
        responses = operations()[path, method]["responses"]
        assert str(status) in responses, "%s %s answers %d, which is not described" % (method, path, status)
        response = resolved(responses[str(status)])
    for name, header in response.get("headers", {}).items():
        value = headers.get(name)
        assert value is not None or not resolved(header).get("required"), "%d without %s" % (status, name)
        if value is not None:
            sent(resolved(header)["schema"]).validate(value)
    told = [name for name in ("Location", "Allow", "Retry-After", "WWW-Authenticate") if name in headers]
    assert set(told) <= set(response.get("headers", {})), "%d has %s" % (status, told)
    content = response.get("content", {})
    if not content:
        assert octets == b""
        return
    type_ = headers["Content-Type"].partition(";")[0]
    assert type_ in content, "%d comes as %s" % (status, type_)
    body = octets.decode()
    sent(content[type_]["schema"]).validate(json.loads(body) if type_.endswith("json") else body)
    if type_ == PROBLEM:
        check_problem(status, headers, octets)


def check_problem(status, headers, octets):
    """Asserts that this is a ProblemDetails of this status that says what is wrong."""
    assert headers["Content-Type"].partition(";")[0] == PROBLEM
    body = json.loads(octets)
    sent({"$ref": "#/components/schemas/ProblemDetails"}).validate(body)
    assert body["status"] == status and body["title"] and body["detail"]


def members(schema, above=()):
    """The path of each member that a schema describes, a tuple of names."""
    schema = resolved(schema)
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        yield from members(part, above)
    for name, inner in schema.get("properties", {}).items():
        yield (*above, name)
        yield from members(inner, (*above, name))
