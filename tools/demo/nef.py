# SPDX-License-Identifier: MIT
"""A network's exposure function (NEF, TS 29.122), as far as an MSGin5G Server asks it: it brings a trigger to a device
as a UDP datagram, and tells when a device can be reached."""

import base64
import contextlib
import itertools
import json
import socket

import aiohttp
from aiohttp import web

from tools.demo.feed import Feed

TRIGGERING, MONITORING = "3gpp-device-triggering", "3gpp-monitoring-event"


class Nef:
    """An async context manager; `uri` is for `--exposure`. `devices`: {external ID or MSISDN: host}, who is in this
    network.

    `triggers` and `subscriptions` hold the bodies that it was asked with; `ended` the links of subscriptions that were
    deleted.
    """

    def __init__(self, devices):
        self.devices = dict(devices)
        self.triggers, self.subscriptions, self.ended = Feed(), Feed(), Feed()
        self._numbers = itertools.count(1)
        self._watched = {}  # link: the body of the subscription

    async def __aenter__(self):
        app = web.Application()
        add = app.router
        add.add_post("/%s/v1/{as}/transactions" % TRIGGERING, self._trigger)
        add.add_post("/%s/v1/{as}/subscriptions" % MONITORING, self._subscribe)
        add.add_delete("/%s/v1/{as}/subscriptions/{id}" % MONITORING, self._delete)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.uri = "http://127.0.0.1:%d" % self._runner.addresses[0][1]
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exception):
        await self._http.close()
        await self._runner.cleanup()

    async def is_reachable(self, who):
        """The device can be reached: everybody who asked for that is told, once."""
        for link in [link for link, body in self._watched.items() if _who(body) == who]:
            body = self._watched.pop(link)
            report = {"monitoringType": "UE_REACHABILITY", "reachabilityType": "DATA", "externalId": who}
            await self._tell(body, {"subscription": link, "monitoringEventReports": [report]})

    # ---- what it is asked --------------------------------------------------------------------------------------------

    async def _trigger(self, request):
        try:
            body, host = await self._asked(request)
            octets = base64.b64decode(_text(body, "triggerPayload"), validate=True)
            port = body.get("applicationPortId")
            if type(port) is not int or not 0 < port < 65536:
                raise ValueError("applicationPortId: no port")
        except KeyError:
            return _problem(404, "no such device")
        except ValueError as error:
            return _problem(400, str(error))
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(octets, (host, port))
        link = self._link(request)
        self.triggers.add(body)
        await self._tell(body, {"transaction": link, "result": "SUCCESS"})
        return web.json_response(body | {"self": link}, status=201, headers={"Location": link})

    async def _subscribe(self, request):
        try:
            body, _ = await self._asked(request)
        except KeyError:
            return _problem(404, "no such device")
        except ValueError as error:
            return _problem(400, str(error))
        link = self._link(request)
        self._watched[link] = body
        self.subscriptions.add(body)
        return web.json_response(body | {"self": link}, status=201, headers={"Location": link})

    async def _delete(self, request):
        link = str(request.url)
        if self._watched.pop(link, None) is None:
            return _problem(404, "no such subscription")
        self.ended.add(link)
        return web.Response(status=204)

    async def _asked(self, request):
        """(the JSON object of a request, the host of the device that it is about). Raises KeyError where there is no
        such device, ValueError."""
        body = json.loads(await request.read())
        if not isinstance(body, dict):
            raise ValueError("not a JSON object")
        host = self.devices[_who(body)]
        if not _text(body, "notificationDestination").startswith("http"):
            raise ValueError("notificationDestination: no URI")
        return body, host

    def _link(self, request):
        return "%s/%d" % (request.url, next(self._numbers))

    async def _tell(self, body, said):
        """What was done is done, whether or not anybody hears of it."""
        with contextlib.suppress(aiohttp.ClientError, ValueError):
            async with self._http.post(body["notificationDestination"], json=said):
                pass


def _text(body, member):
    value = body.get(member)
    if not isinstance(value, str):
        raise ValueError("%s: not a string" % member)
    return value


def _who(body):
    found = body.get("externalId") or body.get("msisdn")
    return found if isinstance(found, str) else None


def _problem(status, detail):
    body = {"title": "Not done", "status": status, "detail": detail}
    return web.json_response(body, status=status, content_type="application/problem+json")
