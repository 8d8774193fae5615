# SPDX-License-Identifier: MIT
"""TS 24.538 Annex A.2, the messages of MSGin5G-5 in octets, at the MSGin5G Client of the Gateway UE: on a serial line,
with an Application Client made by hand, and aiocoap as the MSGin5G Server. Octets are worked from the tables, by the
formats of TS 24.007 clause 11.2; what the annex leaves open is decided in docs/annex-a.md."""

import aiocoap
import pytest

from host_tests.conformance.gateway.application.line import Line
from host_tests.conformance.gateway.behind import A, B, own, scene
from tools.gateway.applications import digest
from tools.line.cable import Cable
from tools.programs.patience import run

MODULES = ("tools/wire/l3.py", "tools/gateway/l3lines.py", "tools/gateway/applications.py")
ALSO = (
    "host_tests/gateway/wire/test_l3_codec.py",
    "host_tests/gateway/serial/test_serial_exchanges.py",
    "host_tests/gateway/serial/test_noise.py",
    "host_tests/properties/test_l3.py",
)

ID, REPORT_ID = "00112233445546778899aabbccddeeff", "ffeeddccbbaa49887766554433221100"
UUID = "00112233-4455-4677-8899-aabbccddeeff"
ORIGIN = "%02x%s" % (len(B), B.encode().hex())
GROUP = "g:pumps@example.org"
IPV4 = "05" + "01" + "c0000201"  # its length counts the type and the address
IPV6 = "11" + "02" + "20010db8000000000000000000000001"
FQDN = "0f" + "03" + "05" + b"valve".hex() + "07" + b"example".hex()  # TS 23.003 clause 28.3.2
TARGETS = ("192.0.2.1", "2001:db8::1", "valve.example")
PAYLOAD = "0004" + b"21.5".hex()
REGISTERING = "07" + "0007" + "0003c0ffee"
ACCEPTED, PROTOCOL_ERROR = "02" + "01", "02" + "00" + "586f"


def sending(target=IPV4, msg_id=ID, payload=PAYLOAD, options=""):
    return "01" + target + msg_id + payload + options


def behind(tmp_path, play, registered=True):
    """`play(made, line)` with a gateway whose server takes everything, and an Application Client at its line."""

    async def main():
        async with Cable() as cable, scene(tmp_path, serial=(cable.ends[1],)) as made:
            made.upper.answers |= {each: aiocoap.Message(code=aiocoap.CHANGED) for each in ("MSG", "IMDN")}
            with made.gateway.store.transaction():
                made.gateway.store.add_application(7, A, digest(bytes.fromhex("c0ffee")))
                for each in TARGETS:
                    made.gateway.store.add_target(each, B)
            await made.journal.wait("line-open")
            async with Line(cable.ends[0]) as line:
                if registered:
                    assert (await line.ask(REGISTERING))[:2] == "08"
                    assert (await made.upper.next())[3]["msgType"] == "REG"
                await play(made, line)

    run(main())


def msg(msg_id=UUID, **more):
    """What the server pushes for UE A."""
    to = {"destAddr": {"destAddrType": "UE", "addr": A}, "msgId": msg_id, "payload": "open", "sfFlag": False}
    return own("MSG", B, **to | more)


def on_the_line(tmp_path, said, *octets):
    """What the server pushes comes as these octets."""

    async def play(made, line):
        assert (await made.upper.push(said)).code.dotted == "2.04"
        for each in octets:
            assert await line.next() == each

    behind(tmp_path, play)


def upstream(tmp_path, said, answer=ACCEPTED, **wanted):
    """What the Application Client says is answered so, and what the server gets of it has these members."""

    async def play(made, line):
        assert await line.ask(said) == answer
        body = (await made.upper.next())[3]
        assert body["oriAddr"] == {"oriAddrType": "UE", "addr": A}
        assert {name: body.get(name) for name in wanted} == wanted

    behind(tmp_path, play)


# ---- A.2.1: the messages ---------------------------------------------------------------------------------------------


def test_a_2_1_1_a_message_sending_request_goes_to_the_server_with_each_element(tmp_path):
    upstream(
        tmp_path,
        sending(options="0a0007" + "b1" + "d2"),
        msgType="MSG",
        msgId=UUID,
        destAddr={"destAddrType": "AS", "addr": B},
        appId="7",
        isDelivStatReq=True,
        payload="21.5",
    )


def test_a_2_1_1_its_optional_elements_may_be_left_out(tmp_path):
    to = {"destAddrType": "UE", "addr": B}
    upstream(tmp_path, sending(), destAddr=to, appId=None, isDelivStatReq=None, payload="21.5")


def test_a_2_1_1_one_that_comes_again_is_answered_alike_and_sent_once(tmp_path):
    async def play(made, line):
        for _ in range(2):
            assert await line.ask(sending()) == ACCEPTED
        assert await line.ask(sending(msg_id=REPORT_ID)) == ACCEPTED
        assert [(await made.upper.next())[3]["msgId"][:8] for _ in range(2)] == [UUID[:8], REPORT_ID[:8]]

    behind(tmp_path, play)


@pytest.mark.parametrize("octet, status", [("01", "success"), ("00", "failure")])
def test_a_2_1_2_a_delivery_report_goes_to_the_originator_once(tmp_path, octet, status):
    async def play(made, line):
        await made.upper.push(msg(isDelivStatReq=True))
        assert (await line.next())[:34] == "03" + ID
        for _ in range(2):  # nothing answers it: it comes twice
            line.say("05" + octet + REPORT_ID + ID)
        body = (await made.upper.next())[3]
        assert (body["msgType"], body["msgId"], body["DelSta"]) == ("IMDN", UUID, status)
        assert body["destAddr"] == {"destAddrType": "UE", "addr": B}
        assert await line.ask(sending(msg_id=REPORT_ID)) == ACCEPTED
        assert (await made.upper.next())[3]["msgType"] == "MSG"  # and no other report before it

    behind(tmp_path, play)


def test_a_2_1_3_a_message_received_request_has_the_elements_of_its_table_in_their_order(tmp_path):
    to = {"destAddrType": "GROUP", "addr": GROUP}
    group = "0e" + "%02x" % len(GROUP) + GROUP.encode().hex()
    octets = "03" + ID + "0004" + b"open".hex() + "0f" + ORIGIN + group + "b1"
    on_the_line(tmp_path, msg(oriDestAddr=to, isDelivStatReq=True), octets)


def test_a_2_1_3_of_one_ue_there_is_no_group_and_without_a_report_no_word_of_it(tmp_path):
    on_the_line(tmp_path, msg(), "03" + ID + "0004" + b"open".hex() + "0f" + ORIGIN)


@pytest.mark.parametrize("status, octet", [("success", "01"), ("failure", "00")])
def test_a_2_1_4_a_delivery_report_received_request_names_itself_and_the_message(tmp_path, status, octet):
    async def play(made, line):
        assert await line.ask(sending(options="b1")) == ACCEPTED
        to = {"destAddrType": "UE", "addr": A}
        await made.upper.push(own("IMDN", B, destAddr=to, msgId=UUID, DelSta=status))
        came = await line.next()
        assert (came[:4], came[36:]) == ("06" + octet, ID)
        assert came[4:36] != ID

    behind(tmp_path, play)


def test_a_2_1_5_a_message_sending_response_of_a_failure_has_its_reason(tmp_path):
    async def play(made, line):
        made.upper.answers["MSG"] = aiocoap.Message(code=aiocoap.FORBIDDEN)
        assert await line.ask(sending()) == "02" + "00" + "586f"

    behind(tmp_path, play)


def test_a_2_1_6_what_the_application_does_not_take_is_refused_with_its_reason(tmp_path):
    async def play(made, line):
        line.result = "04" + "00" + "5807"
        answer = await made.upper.push(msg())
        assert answer.code.dotted.startswith("4.") and b"0x07" in answer.payload

    behind(tmp_path, play)


def test_a_2_1_7_and_8_a_registration_is_accepted_with_a_registration_id_of_48_bits(tmp_path):
    async def play(made, line):
        first = await line.ask(REGISTERING)
        assert (first[:2], len(first)) == ("08", 2 + 12)
        assert await line.ask(REGISTERING) == first

    behind(tmp_path, play, registered=False)


@pytest.mark.parametrize(
    "said, cause",
    [
        ("07" + "0008" + "0003c0ffee", "01"),  # nobody has provisioned it
        ("07" + "0007" + "0003c0ffef", "02"),
        ("07" + "00", "6f"),
    ],
)
def test_a_2_1_9_a_registration_is_rejected_with_its_cause(tmp_path, said, cause):
    async def play(made, line):
        assert await line.ask(said) == "09" + cause
        assert await line.ask(sending()) == "02" + "00" + "5804"  # nobody is registered here

    behind(tmp_path, play, registered=False)


def test_a_2_1_10_to_12_a_deregistration_is_accepted_or_rejected(tmp_path):
    async def play(made, line):
        given = (await line.ask(REGISTERING))[2:]
        assert await line.ask("0a" + "0" * 12) == "0b" + "07"
        assert await line.ask("0a" + given) == "0c" + given
        assert await line.ask(sending()) == "02" + "00" + "5804"

    behind(tmp_path, play)


@pytest.mark.parametrize("cut", [1, 2, 5, 7, 8, 22, 23, 24, 27])
def test_a_2_1_1_one_that_is_cut_short_is_a_protocol_error_and_nothing_sent(tmp_path, cut):
    """Its imperative part is 29 octets long."""

    async def play(made, line):
        assert await line.ask(sending()[: 2 * cut]) == PROTOCOL_ERROR
        assert made.upper.asked.empty()

    behind(tmp_path, play)


# ---- A.2.2: the elements ---------------------------------------------------------------------------------------------


def test_a_2_2_1_a_message_type_that_is_none_of_an_application_is_met_with_silence(tmp_path):
    async def play(made, line):
        for octet in ("00", "02", "03", "06", "08", "0d", "80", "ff"):
            line.say(octet + ID + ID)
        assert await line.ask(sending()) == ACCEPTED  # and no answer before it
        assert (await made.upper.next())[3]["msgType"] == "MSG"

    behind(tmp_path, play)


@pytest.mark.parametrize("target", [IPV4, IPV6, FQDN, FQDN.replace(b"valve".hex(), b"Valve".hex())])
def test_a_2_2_2_the_target_is_looked_up_by_its_address_whatever_its_type(tmp_path, target):
    upstream(tmp_path, sending(target), destAddr={"destAddrType": "UE", "addr": B})


def test_a_2_2_2_an_address_of_nobody_is_an_unknown_device(tmp_path):
    async def play(made, line):
        assert await line.ask(sending("05" + "01" + "c0000202")) == "02" + "00" + "5807"
        assert made.upper.asked.empty()

    behind(tmp_path, play)


@pytest.mark.parametrize(
    "target", ["05" + "04" + "c0000201", "04" + "01" + "c00002", "0503" + "05616263", "00"]
)
def test_a_2_2_2_a_reserved_type_or_a_wrong_length_is_a_protocol_error(tmp_path, target):
    async def play(made, line):
        assert await line.ask(sending(target)) == PROTOCOL_ERROR
        assert made.upper.asked.empty()

    behind(tmp_path, play)


def test_a_2_2_3_the_application_id_is_a_number(tmp_path):
    upstream(tmp_path, sending(options="0a" + "ffff"), appId="65535")


def test_a_2_2_4_and_13_message_ids_are_uuids_in_the_servers_words(tmp_path):
    upstream(tmp_path, sending(msg_id=REPORT_ID), msgId="ffeeddcc-bbaa-4988-7766-554433221100")


@pytest.mark.parametrize(
    "octets, value",
    [("0001" + "ff", "data:;base64,/w=="), ("0003" + "e282ac", "€"), ("0100" + "61" * 256, "a" * 256)],
)
def test_a_2_2_5_the_payload_has_its_length_in_two_octets_and_is_text_where_it_can(tmp_path, octets, value):
    upstream(tmp_path, sending(payload=octets), payload=value)


def test_a_2_2_5_octets_come_back_as_they_are(tmp_path):
    on_the_line(tmp_path, msg(payload="data:;base64,/w=="), "03" + ID + "0001" + "ff" + "0f" + ORIGIN)


@pytest.mark.parametrize("octet, wanted", [("b1", True), ("b0", None), ("b2", None)])
def test_a_2_2_6_that_a_report_is_required_is_a_half_octet(tmp_path, octet, wanted):
    upstream(tmp_path, sending(options=octet), isDelivStatReq=wanted)


@pytest.mark.parametrize("octet, kind", [("d0", "UE"), ("d1", "GROUP"), ("d2", "AS")])
def test_a_2_2_7_the_target_type_is_ue_group_or_as(tmp_path, octet, kind):
    upstream(tmp_path, sending(options=octet), destAddr={"destAddrType": kind, "addr": B})


def test_a_2_2_7_a_reserved_target_type_is_a_protocol_error(tmp_path):
    async def play(made, line):
        assert await line.ask(sending(options="d3")) == PROTOCOL_ERROR

    behind(tmp_path, play)


def test_a_2_2_8_a_reserved_delivery_status_says_nothing(tmp_path):
    async def play(made, line):
        await made.upper.push(msg(isDelivStatReq=True))
        await line.next()
        line.say("05" + "02" + REPORT_ID + ID)
        assert await line.ask(sending(msg_id=REPORT_ID)) == ACCEPTED
        assert (await made.upper.next())[3]["msgType"] == "MSG"

    behind(tmp_path, play)


@pytest.mark.parametrize("ue", [B, "ue:größe@example.org", "u" * 255])
def test_a_2_2_10_the_originator_address_is_its_service_id(tmp_path, ue):
    octets = ue.encode()
    origin = {"oriAddr": {"oriAddrType": "UE", "addr": ue}}
    on_the_line(
        tmp_path, msg() | origin, "03" + ID + "0004" + b"open".hex() + "0f%02x" % len(octets) + octets.hex()
    )


@pytest.mark.parametrize("octets, code", [("04" + "f1", "2.04"), ("04" + "f0" + "5807", "4.00")])
def test_a_2_2_11_and_18_the_result_is_the_low_half_octet_and_the_other_is_spare(tmp_path, octets, code):
    async def play(made, line):
        line.result = octets
        assert (await made.upper.push(msg())).code.dotted[0] == code[0]

    behind(tmp_path, play)


@pytest.mark.parametrize("credential", ["", "0000", "0004" + "c0ffee"])
def test_a_2_2_15_a_credential_has_an_octet_at_least_and_as_many_as_it_says(tmp_path, credential):
    async def play(made, line):
        assert await line.ask("07" + "0007" + credential) == "09" + "6f"
        assert (await line.ask(REGISTERING))[:2] == "08"

    behind(tmp_path, play, registered=False)


def test_a_2_2_16_a_registration_id_has_48_bits(tmp_path):
    async def play(made, line):
        given = (await line.ask(REGISTERING))[2:]
        assert await line.ask("0a" + given[:-2]) == "0b" + "6f"
        assert await line.ask("0a" + given) == "0c" + given

    behind(tmp_path, play)


@pytest.mark.parametrize(
    "code, cause",
    [
        (aiocoap.BAD_REQUEST, "6f"),
        (aiocoap.INTERNAL_SERVER_ERROR, "05"),
        (aiocoap.SERVICE_UNAVAILABLE, "06"),
        (aiocoap.TOO_MANY_REQUESTS, "06"),
    ],
)
def test_a_2_2_17_the_cause_says_whether_it_may_be_tried_again(tmp_path, code, cause):
    async def play(made, line):
        made.upper.answers["MSG"] = aiocoap.Message(code=code)
        assert await line.ask(sending()) == "02" + "00" + "58" + cause
        made.upper.answers["MSG"] = aiocoap.Message(code=aiocoap.CHANGED)
        again = ACCEPTED if cause != "6f" else "02" + "00" + "586f"  # decided about anew, or answered alike
        assert await line.ask(sending()) == again

    behind(tmp_path, play)


@pytest.mark.parametrize("unknown", ["90", "1002ffff", "0e0141", "7f" + "ff" + "00" * 255])
def test_24_007_11_2_4_an_unknown_element_is_skipped_by_bit_8_of_its_iei(tmp_path, unknown):
    upstream(tmp_path, sending(options=unknown + "b1" + unknown + "0a0007"), isDelivStatReq=True, appId="7")


@pytest.mark.parametrize("cut", ["0a", "0a00", "10", "1005ff"])
def test_24_007_11_2_4_one_that_is_cut_short_is_left_out_and_the_message_used(tmp_path, cut):
    upstream(tmp_path, sending(options="b1" + cut), isDelivStatReq=True, appId=None)


def test_24_007_11_2_4_they_come_in_any_order_and_of_a_repeated_one_the_first_counts(tmp_path):
    upstream(
        tmp_path,
        sending(options="d1" + "b1" + "0a0007" + "b0" + "0a0008"),
        destAddr={"destAddrType": "GROUP", "addr": B},
        isDelivStatReq=True,
        appId="7",
    )
