# SPDX-License-Identifier: MIT
"""The OpenAPI document is one, says all that is served and no more, and its examples are what happens."""

import json

import aiohttp
import pytest
from schemathesis.specs.openapi import definitions

from host_tests.gateway.page import described
from host_tests.gateway.page.asked import three
from host_tests.gateway.scripted import gateway, run
from tools.gateway.running.apart import GatewayUe
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.gateway.runtime import Gateway
from tools.page import openapi
from tools.page.events import Events
from tools.server.settings import Settings
from tools.store.server.grouptables import EXPLICIT, Member

MEDIA = list(described.contents())
CALLS = list(described.calls())


def test_it_is_openapi_3_1():
    definitions.OPENAPI_31_VALIDATOR.validate(described.DOCUMENT)


PATHS = list(described.DOCUMENT["paths"])


@pytest.mark.parametrize("count", range(len(PATHS) + 1))
def test_every_reference_of_it_leads_somewhere(count):
    """However much of it a program serves."""
    document = json.loads(openapi.octets(set(PATHS[:count])))
    definitions.OPENAPI_31_VALIDATOR.validate(document)

    def walk(node):
        for value in node.values() if isinstance(node, dict) else node:
            if isinstance(value, dict | list):
                yield from walk(value)
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            yield node["$ref"]

    named = set(walk(document))
    there = {
        "#/components/%s/%s" % (kind, name)
        for kind in ("schemas", "responses", "headers")
        for name in document["components"][kind]
    }
    assert named <= there
    # These two are of every path, and OpenAPI has no place for that.
    unused = {"#/components/responses/" + name for name in ("NotFound", "MethodNotAllowed")}
    assert there - named == unused


HERE = ("127.0.0.1", 0)
PROGRAMS = {
    "both": (Gateway, {}, set(PATHS) - {"/admin/push"}),
    "for tests": (Gateway, {"admin": True}, set(PATHS)),
    "server": (ServerProgram, {}, set(PATHS) - {"/admin/push"}),
    "gateway": (
        GatewayUe,
        {"upstream": ("127.0.0.1", 9), "name": "ue:gw@example.org"},
        {path for path in PATHS if path.startswith(("/api/", "/static/"))} - {"/api/send"}
        | {"/", "/status.json", "/metrics", "/openapi.json", "/live", "/healthz", "/readyz"},
    ),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_describes_what_the_program_serves_and_no_more(program):
    async def main():
        kind, more, paths = PROGRAMS[program]
        async with kind(Options(Settings(), HERE, HERE, ":memory:", **more), Events()) as g:
            served = {
                (route.resource.canonical, route.method.lower())
                for route in g.http._app.router.routes()
                if route.method != "HEAD"
            }
            async with aiohttp.ClientSession("http://127.0.0.1:%d" % g.http_port) as http:
                for path in ("/status.json", "/", "/metrics", "/healthz", "/readyz", "/openapi.json"):
                    async with http.get(path) as response:
                        octets = await response.read()
                        assert response.status == 200
                        described.check(path, "get", 200, response.headers, octets)
                document = json.loads(octets)
        assert set(document["paths"]) == paths
        assert {(path, method) for path, item in document["paths"].items() for method in item} == served

    run(main())


def test_groups_are_shown_as_it_is_described():
    async def main():
        async with ServerProgram(Options(Settings(), HERE, HERE, ":memory:"), Events()) as g:
            members = [Member("ue:<a>"), Member("ue:b", EXPLICIT), Member("ue:c", EXPLICIT, True)]
            with g.store.transaction():
                g.store.add_group("group:<1>", "NORMAL", None, 0, {"groupName": "valves"}, members)
                g.store.add_group("group:2", "TEMPORARY", "ue:b", 0, {}, [])
            async with aiohttp.ClientSession("http://127.0.0.1:%d" % g.http_port) as http:
                async with http.get("/status.json") as response:
                    octets = await response.read()
                    described.check("/status.json", "get", 200, response.headers, octets)
        names = ("group", "name", "category", "creator", "members", "takePart")
        assert json.loads(octets)["groups"] == [
            dict(zip(names, ("group:2", None, "TEMPORARY", "ue:b", 0, 0), strict=True)),
            dict(zip(names, ("group:<1>", "valves", "NORMAL", None, 3, 2), strict=True)),
        ]

    run(main())


def test_an_id_of_each_operation_is_its_own():
    ids = [operation["operationId"] for operation in described.operations().values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "where, media",
    [(where, media) for where, _, media in MEDIA],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_example_is_what_its_schema_says(where, media):
    schema = (
        described.reads(media["schema"]) if where.endswith("request") else described.sent(media["schema"])
    )
    for example in media.get("examples", {}).values():
        schema.validate(example["value"])


def test_each_call_has_examples_with_their_answers():
    """Where a success has a body."""
    paired = {(path, method) for _, path, method, *_ in CALLS}
    wanted = {
        key
        for key, operation in described.operations().items()
        if "requestBody" in operation and "204" not in operation["responses"]
    }
    assert paired == wanted
    for path, method in described.operations().keys() - wanted:
        request = described.operations()[path, method].get("requestBody")
        assert not request or described.examples(request)


@pytest.mark.parametrize(
    "name, path, method, body, status, answer", CALLS, ids=["%s %s" % (c[1], c[0]) for c in CALLS]
)
def test_each_example_is_answered_as_it_says(name, path, method, body, status, answer):
    async def main():
        async with three() as (g, _, _, as_):
            described.message_gateway(g)
            headers = described.token_of(g, path, body)
            async with as_.http.request(method, path, json=body, headers=headers) as response:
                octets = await response.read()
                described.check(path, method, response.status, response.headers, octets)
                assert response.status == status
                said = json.loads(octets)
                if status == 202:  # a number of ours, another each time
                    said, wanted = set(said), set(answer)
                else:
                    wanted = answer
                if path == "/msgs-topiclistevent/v1/topiclist-subscriptions":  # from now, at most
                    assert said["exprTime"] < wanted["exprTime"]
                    said["exprTime"] = wanted["exprTime"]
                assert said == wanted

    run(main())


def test_it_is_read_by_everybody_but_under_a_name_of_ours():
    async def main():
        async with gateway() as g, aiohttp.ClientSession() as http:
            g.http._callers.open_to_others = True  # tokens are needed
            url = "http://127.0.0.1:%d/openapi.json" % g.http_port
            async with http.get(url) as response:
                assert response.status == 200 and response.content_type == "application/json"
                assert json.loads(await response.read()) == described.DOCUMENT
            async with http.get(url, headers={"Host": "evil.example"}) as response:
                described.check(
                    "/openapi.json", "get", response.status, response.headers, await response.read()
                )
                assert response.status == 421

    run(main())
