# SPDX-License-Identifier: MIT
"""What happens for docs/messages.md: a gateway and two devices on this machine, and each kind of message in turn."""

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import NamedTuple

import aiocoap

from tools.application import ApplicationServer
from tools.gateway.commands.applications import add as add_application
from tools.gateway.running.apart import GatewayUe
from tools.gateway.running.server import ServerProgram
from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.programs.patience import patience
from tools.project.worked.devices import LONG, NOON, Device, Line, Tap
from tools.server.settings import Settings
from tools.store.server.configtables import UeConfiguration
from tools.store.server.grouptables import EXPLICIT, IMPLICIT, NORMAL, Member
from tools.wire import l3

A, B, AWAY = "ue:sensor-1@example.org", "ue:valve-7@example.org", "ue:pump-3@example.org"
SERVER = "as:weather@example.org"
ADDRESS = "coap://192.0.2.1:65401"
GATEWAY = "ue:gw@example.org"
UE_ID, OTHER_UE_ID = "urn:imei:35-209900-176148-1", "urn:imei:35-209900-176149-9"
CREDENTIAL = bytes.fromhex("deadbeef")
FUNCTION = {"bulk_max": 2}
GROUP, AREA, TOPIC = "group:valves@example.org", "area:hall", "alerts"


class Shown(NamedTuple):
    """A request, by whom to whom, and its answer."""

    sender: str
    recipient: str
    request: bytes
    answer: bytes | None


def fields(octets):
    """(aiocoap Message, its JSON object or {})."""
    message = aiocoap.Message.decode(octets)
    with contextlib.suppress(ValueError):
        value = json.loads(message.payload)
        return message, value if isinstance(value, dict) else {}
    return message, {}


class Story:
    """`shown` gets a Shown for each name of the page."""

    def __init__(self):
        self.log = []
        self.shown = {}
        self._last = {}

    def find(self, out, matches, device=A, again=False):
        """The last Shown of a request `out` of the device, or into it, that `matches(message, body)`; None."""
        for place in range(len(self.log) - 1, -1, -1):
            each = self.log[place]
            if each.device != device or each.out != out:
                continue
            message, body = fields(each.octets)
            if 1 <= int(message.code) < 32 and matches(message, body):
                return self._shown(each, place)
        return None

    def _shown(self, request, place):
        message = aiocoap.Message.decode(request.octets)
        answer = None
        for each in self.log[place + 1 :]:
            if each.device == request.device and each.out != request.out:
                said = aiocoap.Message.decode(each.octets)
                if said.token == message.token and int(said.code) >= 64:
                    answer = each.octets
                    break
        ends = ("Gateway UE", "server") if request.device == GATEWAY else ("device", "gateway")
        return Shown(*(ends if request.out else reversed(ends)), request.octets, answer)

    async def keep(self, name, device, out, matches, answered=True):
        """Wait for such a request, and its answer; it is shown as `name`."""

        def there():
            found = self.find(out, matches, device.name)
            return found if found and (found.answer or not answered) else None

        self.shown[name] = await device.until(there)

    async def bare(self, name, device, out, kind):
        """Wait for a binary message of Annex A.2."""

        def there():
            return next(
                (
                    each
                    for each in reversed(self.log)
                    if each[:2] == (device.name, out) and each.octets[0] == kind
                ),
                None,
            )

        ends = ("device", "gateway") if out else ("gateway", "device")
        self.shown[name] = Shown(*ends, (await device.until(there)).octets, None)

    async def kind(self, name, device, out, kind, **members):
        """The same of a msgType, with these members."""

        def matches(message, body):
            return body.get("msgType") == kind and all(body.get(k) == v for k, v in members.items())

        await self.keep(name, device, out, matches)


@contextlib.asynccontextmanager
async def gateway(discovery=False, function=None, serial=(), **settings):
    """A gateway on free ports whose clock begins at noon."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    quick = {"open": True, "retry_min": 0.05, "retry_max": 0.2}
    options = Options(
        Settings(**(quick | settings)),
        ("127.0.0.1", 0),
        ("127.0.0.1", 0),
        ":memory:",
        ack_timeout=20,  # an empty acknowledgement in front of an answer would be another page
        serial=serial,
        discovery=discovery,
        name=GATEWAY,
        function=function or {},
    )
    events = Events()
    async with Gateway(options, events, lambda: NOON + loop.time() - begin) as running:
        yield running


def peer(running):
    return "coap://127.0.0.1:%d" % running.coap_port


async def registered(device):
    device.start()
    await device.until(lambda: device.client.registered)


async def tell():
    """The Story, told."""
    story = Story()
    async with gateway(configuration_server=ADDRESS) as running:
        with running.store.transaction():
            running.store.put_configuration(UeConfiguration(UE_ID, A, seg_size=1024))
            members = [Member(A, EXPLICIT), Member(B, IMPLICIT)]
            running.store.add_group(GROUP, NORMAL, None, NOON, {"groupName": "Valves"}, members)
            running.store.add_area(AREA, ["*"])
            running.store.add_broadcaster(A)
            running.store.add_device(AWAY)
        await _configuration(story, running)
        async with (
            Device(A, story.log, peer=peer(running), segments={"size": 64}) as a,
            Device(B, story.log, peer=peer(running), segments={"size": 64}) as b,
        ):
            await registered(a)
            await registered(b)
            await story.kind("reg", a, True, "REG")
            await _messages(story, a, b)
            await _many(story, a, b)
            await _segments(story, a, b)
            await _stored(story, running, a)
            await _application_server(story, running, a)
            await _refused(story, a)
            a.stop()
            await story.kind("dereg", a, True, "DEREG")
    # Each of these with a gateway that owes nobody anything.
    async with gateway() as running:
        await _profile(story, running)
    async with gateway() as running:
        await _aggregates(story, running)
    async with gateway(function={"bulk_max": 1}) as running:
        await _gateway_service(story, running)
    await _discovery(story)
    await _trigger(story)
    await _gateway_ue(story)
    await _applications(story)
    return story


async def _configuration(story, running):
    device = Device(UE_ID, story.log, peer=peer(running), ue_service_id=None, ue_id=UE_ID)
    async with device:
        device.start()
        await story.keep("configuration", device, True, lambda m, b: "su-uc" in m.opt.uri_path)


async def _messages(story, a, b):
    sent = a.send(B, "21.5", report=True)
    await story.kind("msg", a, True, "MSG")
    await story.kind("msg-in", b, False, "MSG")
    await b.until(lambda: b.take())
    await story.kind("imdn", b, True, "IMDN")
    await story.kind("imdn-in", a, False, "IMDN")
    await a.until(lambda: sent.state == "delivered")
    a.send(B, bytes(range(12)))
    await story.keep("octets", a, True, lambda m, body: body.get("payload", "").startswith("data:"))
    a.send("ue:nobody@example.org", "open")
    await story.kind("msgresp-failure", a, False, "MSGRESP", DelSta="failure")
    a.send(B, "open", priority="HIGH", expires=600, store_forward=True, app_id="meter", report=True)
    await story.kind("every-member", a, True, "MSG", priority="HIGH")


async def _many(story, a, b):
    b.call("topics", "subscribe", TOPIC)
    await story.keep("subscribe", b, True, lambda m, body: m.opt.observe == 0 and TOPIC in m.opt.uri_path)
    a.send(TOPIC, "overheated", to_type="TOPIC")
    await story.kind("topic", a, True, "MSG", destAddr={"destAddrType": "TOPIC", "addr": TOPIC})

    def notified():
        for place, each in enumerate(story.log):
            message, body = fields(each.octets)
            if each.device == B and not each.out and body.get("payload") == "overheated":
                answers = [
                    later.octets
                    for later in story.log[place:]
                    if later.out and later.device == B and later.octets[2:4] == each.octets[2:4]
                ]
                return answers and Shown("gateway", "device", each.octets, answers[0])
        return None

    story.shown["notification"] = await b.until(notified)
    b.call("topics", "unsubscribe", TOPIC)
    await story.keep("unsubscribe", b, True, lambda m, body: m.opt.observe == 1)
    a.call("groups", "watch")
    await story.keep("groups", a, True, lambda m, body: "group-documents" in m.opt.uri_path)
    await a.until(lambda: a.client.procedure("groups").known)
    a.call("groups", "join", GROUP)
    await story.keep("join", a, True, lambda m, body: int(m.code) == 3)
    a.send(GROUP, "close", to_type="GROUP")
    await story.kind("group", a, True, "MSG", destAddr={"destAddrType": "GROUP", "addr": GROUP})
    await story.kind("group-in", b, False, "MSG", payload="close")
    a.call("groups", "leave", GROUP)
    await story.keep("leave", a, True, lambda m, body: int(m.code) == 4)
    a.send(AREA, "evacuate", to_type="BC")
    await story.kind("broadcast", a, True, "MSG", destAddr={"destAddrType": "BC", "addr": AREA})
    await story.kind("broadcast-in", b, False, "MSG", payload="evacuate")


async def _segments(story, a, b):
    def segment(number):
        return lambda m, body: body.get("segParams", {}).get("segNumb") == number

    a.send(B, "".join("%04d," % n for n in range(26)))
    for number in (1, 3):
        await story.keep("segment-%d" % number, a, True, segment(number))
    await story.kind("segconfir-in", a, False, "SEGCONFIR")
    await b.until(lambda: any(message.size == 130 for message in iter(b.take, None)))
    lost = []

    def loses(octets):
        """The first segment that comes, which is acknowledged and forgotten: the power was cut in between."""
        message, body = fields(octets)
        if lost or "segParams" not in body:
            return False
        lost.append(body)
        done = aiocoap.Message(code=aiocoap.CHANGED, _mtype=aiocoap.ACK, _mid=message.mid)
        done.token = message.token
        b.say(done.encode())
        return True

    b.loses = loses
    a.send(B, "".join("%04d;" % n for n in range(26)))
    await b.until(lambda: lost)
    await story.keep("segment-in", b, False, lambda m, body: "segParams" in body and body not in lost)
    b.pass_time(6)
    await story.kind("segrec", b, True, "SEGREC")
    await story.kind("segconfir", b, True, "SEGCONFIR")


async def _stored(story, running, a):
    sent = a.send(AWAY, "start", store_forward=True, report=True)
    await story.kind("msgresp-stored", a, False, "MSGRESP", DelSta="stored for deferred delivery")
    await a.until(lambda: sent.state == "stored")
    a.call("stored", "update", sent, 7200)
    await story.kind("msgupd", a, True, "MSGUPD")
    a.call("stored", "discard", sent)
    await story.keep(
        "msgupd-discard", a, True, lambda m, b: b.get("msgType") == "MSGUPD" and "sfParam" not in b
    )


async def _application_server(story, running, a):
    server = ApplicationServer(SERVER, "http://127.0.0.1:%d" % running.http_port, listen=("127.0.0.1", 0))
    async with server:
        sent = await server.send(A, "measure", report=True)
        await story.kind("from-as", a, False, "MSG", payload="measure")
        await a.until(lambda: a.take())
        await story.kind("imdn-as", a, True, "IMDN", destAddr={"destAddrType": "AS", "addr": SERVER})
        await sent.report(LONG)
        a.send(SERVER, "21.5", to_type="AS")
        await story.kind("to-as", a, True, "MSG", destAddr={"destAddrType": "AS", "addr": SERVER})


async def _refused(story, a):
    stranger = Device(
        "ue:stranger@example.org", story.log, peer="coap://127.0.0.1:%d" % a.client.config.peer_port
    )
    async with stranger:
        head = {
            "msgIden": "urn:3gpp:msgin5g",
            "msgType": "MSG",
            "oriAddr": {"oriAddrType": "UE", "addr": stranger.name},
        }
        head |= {
            "destAddr": {"destAddrType": "UE", "addr": B},
            "msgId": "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d",
        }
        for mid, (name, body) in enumerate(
            {"refused-401": head, "refused-400": head | {"msgId": "seven"}}.items()
        ):
            octets = json.dumps(body | {"sfFlag": False}, separators=(",", ":")).encode()
            request = aiocoap.Message(code=aiocoap.POST, payload=octets, _mtype=aiocoap.CON, _mid=mid)
            request.token = b"abc%d" % mid
            request.opt.uri_path, request.opt.content_format = ("msgin5g",), 50
            stranger.say(request.encode(), stranger.client.peer)
            await story.keep(name, stranger, True, lambda m, b, mid=mid: m.mid == mid)


async def _profile(story, running):
    profile = {"availability": {"interval": 600, "duration": 10}, "triggers": {"port": 5005}}
    config = profile | {"ue_id": UE_ID, "segments": {"size": 1024, "window": 2}}
    async with Device(A, story.log, peer=peer(running), **config) as a:
        await registered(a)
        await story.kind("reg-profile", a, True, "REG")


async def _aggregates(story, running):
    async with Device(A, story.log, peer=peer(running), aggregation={"wait": 60, "messages": 3}) as a:
        async with Device(B, story.log, peer=peer(running)) as b:
            await registered(a)
            await registered(b)
            for text in ("21.5", "21.6", "21.7"):
                a.send(B, text, report=True)
            await story.keep("aggregated", a, True, lambda m, body: "msgList" in body)
            await story.keep("aggregated-in", b, False, lambda m, body: "msgList" in body)
            while b.client.take(
                b.tick
            ):  # the report of the first goes out, those of the others wait for it, and go as one
                pass
            b.pump()
            await story.keep("imdn-aggregated", b, True, lambda m, body: "msgList" in body)
            await story.keep("imdn-aggregated-in", a, False, lambda m, body: "msgList" in body)


async def _gateway_service(story, running):
    config = {"gateway_service": True, "registration": {"urgent": False, "wait": 120}}
    async with Device(A, story.log, peer=peer(running), **config) as a:
        await registered(a)
        await story.kind("gwreg", a, True, "GWREG")
        await story.kind("reg-bulked", a, True, "REG", urgentTag=False)
        await story.kind("regresp", a, False, "REGRESP")
        a.stop(urgent=False)
        await story.kind("dereg-bulked", a, True, "DEREG", urgentTag=False)
        await story.kind("deregresp", a, False, "DEREGRESP")


async def _discovery(story):
    """A device that looks for a gateway, and asks this one rather than a group of them."""
    async with gateway(discovery=True) as running:
        where = peer(running).replace("coap:", "discover:")
        async with Device(A, story.log, peer=where, discovery={"window": 0.1}) as a:
            a.start()
            await story.keep("discovery", a, True, lambda m, b: m.opt.uri_path == (".well-known", "core"))


async def _trigger(story):
    """A device that is away is woken: what comes is no CoAP."""
    came = asyncio.get_running_loop().create_future()

    class Port(asyncio.DatagramProtocol):
        def datagram_received(self, octets, peer):
            if not came.done():
                came.set_result(octets)

    loop = asyncio.get_running_loop()
    port, _ = await loop.create_datagram_endpoint(Port, local_addr=("127.0.0.1", 0))
    number = port.get_extra_info("sockname")[1]
    async with gateway() as running:
        config = {"ue_id": UE_ID, "triggers": {"port": number}}
        async with Device(B, story.log, peer=peer(running)) as b:
            async with Device(A, story.log, peer=peer(running), **config) as a:
                await registered(a)
                await registered(b)
                a.stop()
                await a.until(lambda: story.find(True, lambda m, body: body.get("msgType") == "DEREG").answer)
            b.send(A, "wake up", store_forward=True)
            async with patience(LONG):
                story.shown["trigger"] = Shown("gateway", "device", await came, None)
    port.close()


async def _gateway_ue(story):
    """A Gateway UE and a server apart: registrations and configurations of several UEs in one request."""
    loop = asyncio.get_running_loop()
    settings = Settings(open=True, configuration_server=ADDRESS)
    options = Options(settings, ("127.0.0.1", 0), ("127.0.0.1", 0), ":memory:", ack_timeout=20)
    async with ServerProgram(options, Events(), lambda: NOON) as server:
        with server.store.transaction():
            for ue_id, ue in ((UE_ID, A), (OTHER_UE_ID, B)):
                server.store.put_configuration(UeConfiguration(ue_id, ue, seg_size=1024))
        tap = Tap(GATEWAY, story.log, ("127.0.0.1", server.coap_port))
        await loop.create_datagram_endpoint(lambda: tap, local_addr=("127.0.0.1", 0))
        function = FUNCTION | {"bulk_configuration": "all"}
        options = replace(options, upstream=("127.0.0.1", tap.port), name=GATEWAY, function=function)
        async with GatewayUe(options, Events(), lambda: NOON) as running:
            async with contextlib.AsyncExitStack() as stack:
                config = {"gateway_service": True, "registration": {"urgent": False, "wait": 120}}
                for ue, ue_id in ((A, UE_ID), (B, OTHER_UE_ID)):
                    more = config | {"ue_service_id": None, "ue_id": ue_id}
                    device = Device(ue, story.log, peer=peer(running), **more)
                    (await stack.enter_async_context(device)).start()
                await story.keep("bulk-configuration", tap, True, lambda m, body: "bulkFlag" in body)
                await story.keep("held-configuration", device, True, lambda m, b: "su-uc" in m.opt.uri_path)
                await story.kind("breg", tap, True, "BREG")
        tap.close()


async def _applications(story):
    """MSGin5G-5: applications behind the gateway, one with the JSON of A.3, one with the binary messages of A.2."""
    config = {"role": "application client"}
    application = {"app_id": 258, "credential": CREDENTIAL.hex()}
    b = Line(B, story.log, **config, application=application)
    async with b, gateway(serial=(b.path,)) as running:
        with running.store.transaction():
            add_application(running.store, "257", A, CREDENTIAL)
            add_application(running.store, "258", B, CREDENTIAL)
            running.store.add_target("sensor.example.org", A)
            running.store.add_target("valve.example.org", B)
        config["application"] = application | {"app_id": 257}
        async with Device(A, story.log, peer=peer(running), **config) as a:
            await registered(a)
            await story.kind("a3-registration", a, True, "REG")
            await registered(b)
            await story.bare("l3-registration", b, True, l3.REGISTRATION)
            await story.bare("l3-accept", b, False, l3.REGISTRATION_ACCEPT)
            a.send(B, "open", report=True)
            await story.kind("a3-sending", a, True, "MESSAGE SENDING REQUEST")
            await story.bare("l3-received", b, False, l3.RECEIVED)
            await story.bare("l3-received-response", b, True, l3.RECEIVED_RESPONSE)
            await b.until(b.take)
            await story.bare("l3-report", b, True, l3.REPORT_SENDING)
            await story.kind("a3-report", a, False, "DELIVERY REPORT RECEIVED REQUEST")
            b.send("sensor.example.org", "done", report=True)
            await story.bare("l3-sending", b, True, l3.SENDING)
            await story.bare("l3-sending-response", b, False, l3.SENDING_RESPONSE)
            await story.kind("a3-received", a, False, "MESSAGE RECEIVED REQUEST")
            await a.until(a.take)
            await story.kind("a3-report-sending", a, True, "DELIVERY REPORT SENDING REQUEST")
            await story.bare("l3-report-received", b, False, l3.REPORT_RECEIVED)
            b.stop()
            await story.bare("l3-deregistration", b, True, l3.DEREGISTRATION)
            await story.bare("l3-deregistration-accept", b, False, l3.DEREGISTRATION_ACCEPT)
            a.stop()
            await story.kind("a3-deregistration", a, True, "DEREG")
