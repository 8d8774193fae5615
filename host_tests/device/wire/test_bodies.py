# SPDX-License-Identifier: MIT
"""JSON bodies octet by octet, in the order of the tables of TS 24.538 clause 7.3, and how members are read."""

import json
import sys

from coap.compat import json_string
from common import equal, raises
from msgin5g import BodyError
from msgin5g.incoming.receiver import report
from msgin5g.wire import payload, reading
from msgin5g.wire.bodies import Body, beginning
from msgin5g.wire.identifiers import escaped
from msgin5g.wire.reading import read_ranges
from msgin5g_scene import UE, Scene, msg, segment

HEAD = b'{"msgIden":"urn:3gpp:msgin5g","msgType":'
ORI = b'"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"}'


TEXT = '"\\\n\x01/\u00e4'


def sent(scene, **options):
    """The body of a MSG with its random msgId and segId made plain."""
    outgoing = scene.send(**options)
    body = scene.of("MSG")[-1].octets
    equal(len(outgoing.message_id), 36)
    return body.replace(outgoing.message_id.encode(), b"M")


# --- written -------------------------------------------------------------------------------------------------


def test_registration():
    # 7.3.3.1. maxSegSize: 2048, or what max_datagram 1152 leaves with 448 octets for the rest: 704
    scene = Scene(registration={"lifetime": 7200}).start()
    equal(
        scene.asked[0].octets,
        HEAD + b'"REG",' + ORI + b',"cliProfile":{"maxSegSize":704},"regExpTime":7200}',
    )
    scene.stop()
    equal(scene.asked[1].octets, HEAD + b'"DEREG",' + ORI + b"}")


def test_gateway_registration():
    # 7.3.3.3, then 7.3.3.1 with urgentTag of 6.3.4.2
    scene = Scene(gateway_service=True, ue_id="sensor-1").start()
    equal(
        scene.asked[0].octets,
        HEAD + b'"GWREG",' + ORI + b',"oriUEAddr":{"oriAddrType":"UE","addr":"sensor-1"},"expiredTime":3600}',
    )
    equal(
        scene.asked[1].octets,
        HEAD + b'"REG",' + ORI + b',"cliProfile":{"maxSegSize":704},"urgentTag":true,"regExpTime":3600}',
    )
    scene = Scene(gateway_service=True).start()
    equal(scene.asked[0].octets, HEAD + b'"GWREG",' + ORI + b',"expiredTime":3600}')


def test_message():
    # 7.3.4.1
    scene = Scene().start()
    head = HEAD + b'"MSG",' + ORI + b',"destAddr":{"destAddrType":"%s","addr":"%s"},'
    equal(sent(scene), head % (b"UE", b"ue:b@x") + b'"msgId":"M","sfFlag":false,"payload":"hi"}')
    equal(sent(scene, payload=""), head % (b"UE", b"ue:b@x") + b'"msgId":"M","sfFlag":false}')
    for kind in ("UE", "AS", "GROUP", "BC", "TOPIC"):
        equal(
            sent(scene, to="x", to_type=kind, payload=b"\x00"),
            head % (kind.encode(), b"x") + b'"msgId":"M","sfFlag":false,"payload":"data:;base64,AA=="}',
        )
    scene = Scene(clock=lambda: 1893456000 - 60).start()
    equal(
        sent(
            scene,
            app_id="7",
            report=True,
            priority="LOW",
            store_forward=True,
            expires=60,
            payload='"\\\n\x01/\u00e4',
        ),
        head
        % (b"UE", b"ue:b@x")
        + b'"appId":"7","msgId":"M","isDelivStatReq":true,"priority":"LOW","sfFlag":true,'
        b'"sfParam":{"expireTime":"2030-01-01T00:00:00Z"},"payload":"\\"\\\\\\n\\u0001/\xc3\xa4"}',
    )


def test_each_character_in_a_string():
    """RFC 8259 section 7: control characters, quote and backslash are escaped, and nothing else is."""
    for code in range(0x120):
        text = "a%sz" % chr(code)
        made = json_string(text.encode())
        if code >= 0x20 and chr(code) not in '"\\':
            equal(made, b'"' + text.encode() + b'"')
        equal(json.loads(made), text)
        equal(escaped(text), made[1:-1])


def test_message_ids_are_uuids_of_version_4():
    scene = Scene().start()
    seen = set()
    for _ in range(40):
        text = scene.send().message_id
        seen.add(text)
        equal((len(text), text[8] + text[13] + text[18] + text[23], text[14]), (36, "----", "4"))
        assert text[19] in "89ab" and text == text.lower(), text
        int(text.replace("-", ""), 16)
    equal(len(seen), 40)


def test_segments():
    # 7.3.4.1 with segParams
    scene = Scene(segments={"size": 64}).start()
    outgoing = scene.send(payload="x" * 65, report=True)
    set_id = outgoing.segments.set_id
    first, second = [
        each.octets.replace(outgoing.message_id.encode(), b"M").replace(set_id.encode(), b"S")
        for each in scene.of("MSG")
    ]
    head = HEAD + b'"MSG",' + ORI + b',"destAddr":{"destAddrType":"UE","addr":"ue:b@x"},"msgId":"M",'
    equal(
        first,
        head
        + b'"isDelivStatReq":true,"isSegmented":true,"segParams":{"segId":"S","totalSegCount":2,"segNumb":1},'
        b'"sfFlag":false,"payload":"%s"}' % (b"x" * 64),
    )
    equal(
        second,
        head
        + b'"isSegmented":true,"segParams":{"segId":"S","totalSegCount":2,"segNumb":2,"lastSegFlag":"true"},'
        b'"sfFlag":false,"payload":"x"}',
    )


def test_report():
    # 7.3.4.2
    body = report("urn:3gpp:msgin5g", UE, "AS", "as:b@x", "m-1", reading.FAILURE, "no valve")
    equal(
        body,
        HEAD + b'"IMDN",' + ORI + b',"destAddr":{"destAddrType":"AS","addr":"as:b@x"},"msgId":"m-1",'
        b'"DelSta":"failure","Cause":"no valve"}',
    )


def test_segment_recovery_and_confirmation():
    # 7.3.6.2, 7.3.6.1
    scene = Scene().start()
    for number in (1, 2, 3, 4, 8, 9):
        scene.post(segment(number, 10))
    scene.run(5000)
    equal(scene.asked[-1].octets, HEAD + b'"SEGREC","segId":"s-1","segNoList":"(5-7, 10-10)"}')
    for number in (5, 6, 7, 10):
        scene.post(segment(number, 10))
    equal(scene.asked[-1].octets, HEAD + b'"SEGCONFIR","segId":"s-1","result":true}')


def test_another_service_identifier():
    scene = Scene(service_identifier="urn:x").start()
    assert scene.asked[0].octets.startswith(b'{"msgIden":"urn:x",'), scene.asked[0].octets
    equal(scene.post(msg()).code, 128)
    equal(scene.post(msg().replace(b"urn:3gpp:msgin5g", b"urn:x")).code, 68)


# --- read ----------------------------------------------------------------------------------------------------


def read(text):
    return Body.read(text.encode() if isinstance(text, str) else text)


def wrong(member, why, function, *args):
    error = raises(BodyError, function, *args)
    equal((error.member, str(error)), (member, "%s: %s" % (member, why)))


def test_what_is_no_body():
    for text in (b"", b"nonsense", b'{"a":"\xff"}', b'{"a":"\xc3"}', b'{"a":"', b'{"a":tru}'):
        wrong("body", "not JSON in UTF-8", read, text)
    for text in (b"[]", b'"x"', b"7", b"null", b"true"):
        wrong("body", "not a JSON object", read, text)
    for half in ("\\ud83d", "\\uDE00", "\\ud83dx", "\\ud83d\\u0041", "\\ude00\\ud83d", "\\ud83d\\n"):
        wrong("body", "not JSON in UTF-8", read, '{"a":"%s"}' % half)
    # MicroPython's json takes what is no name; nothing is held of it
    try:
        equal("a" in read(b'{1:2,"a":3}'), True)
    except BodyError as error:
        equal(error.member, "body")


def test_text():
    body = read('{"a":"x","b ":"y"," c":"z","d":null,"e":7,"f":"\\ud83d\\ude00\\u00e4\\\\ud83d","g":""}')
    equal((body.text("a"), body.text("b"), body.text("c"), body.text("g")), ("x", "y", "z", ""))
    equal(body.text("f"), "\U0001f600\u00e4\\ud83d")
    equal((body.text("d", None), body.text("h", "i")), (None, "i"))
    equal(("a" in body, "d" in body, "h" in body), (True, False, False))
    wrong("d", "missing", body.text, "d")
    wrong("h", "missing", body.text, "h")
    wrong("e", "not a string", body.text, "e", None)
    body = read('{"a":"%s","b":"%s"}' % ("x" * 256, "\u00e4" * 128))
    wrong("a", "longer than 255 octets", body.text, "a")
    wrong("b", "longer than 255 octets", body.text, "b")
    equal((len(body.text("a", longest=256)), len(body.text("b", longest=None))), (256, 128))


def test_flag():
    body = read('{"a":true,"b":"false","c":"TRUE","d":null,"e":1,"f":"yes","g":""}')
    equal((body.flag("a"), body.flag("b"), body.flag("c"), body.flag("d", None)), (True, False, True, None))
    for name in ("e", "f", "g"):
        wrong(name, "not true or false", body.flag, name, False)
    wrong("d", "missing", body.flag, "d")


def test_integer():
    body = read(
        '{"a":7,"b":"08","c":null,"d":-1,"e":1.5,"f":true,"g":"1e3","h":"","i":99999999999,"j":"\u00b2","k":"+1"}'
    )
    equal((body.integer("a"), body.integer("b"), body.integer("c", 5)), (7, 8, 5))
    for name in "defghijk":
        wrong(name, "not an integer from 0 to 2147483647", body.integer, name)
    equal(read('{"a":60.0}').integer("a"), 60)  # an integer to JSON Schema
    wrong("a", "not an integer from 8 to 9", body.integer, "a", None, 8, 9)
    wrong("c", "missing", body.integer, "c")


def test_objects():
    body = read('{"a":{"x ":1},"b":[{"y":2},{}],"c":[1],"d":[],"e":"x"}')
    equal(body.object("a").integer("x"), 1)
    equal([("y" in each) for each in body.objects("b")], [True, False])
    equal(body.objects("d"), [])
    wrong("b", "not an object", body.object, "b")
    wrong("a", "not an array", body.objects, "a")
    wrong("c", "not an array of objects", body.objects, "c")
    wrong("z", "missing", body.object, "z")
    wrong("z", "missing", body.objects, "z")


def test_addresses():
    body = read('{"oriAddr":{"oriAddrType":"AS","addr":"as:x"},"destAddr":{"destAddrType":"BC","addr":"7"}}')
    equal((body.originator(), body.destination()), (("AS", "as:x"), ("BC", "7")))
    wrong(
        "oriAddr.oriAddrType",
        "not one of UE, AS",
        read('{"oriAddr":{"oriAddrType":"BC","addr":"x"}}').originator,
    )
    wrong("addr", "missing", read('{"oriAddr":{"oriAddrType":"UE"}}').originator)
    # a sender that leaves the type out is a UE
    equal(read('{"oriAddr":{"addr":"x"}}').originator(), ("UE", "x"))


def test_priority_and_status():
    for text, value in (
        ("HIGH", "HIGH"),
        ("NORMAL", "NORMAL"),
        ("MEDIUM", "NORMAL"),
        ("MIDDLE", "NORMAL"),
        ("LOW", "LOW"),
    ):
        equal(read('{"priority":"%s"}' % text).priority(), value)
    equal(read("{}").priority(), "NORMAL")
    wrong("priority", "not one of HIGH, NORMAL, LOW", read('{"priority":"URGENT"}').priority)
    for text, value in (
        ("success", "success"),
        ("FAILURE", "failure"),
        ("Stored for deferred delivery", reading.STORED),
    ):
        equal(read('{"DelSta":"%s","Cause":null}' % text).status(), (value, None))
    equal(read('{"cause":"c"}').status(None), (None, "c"))
    wrong("DelSta", "missing", read("{}").status)
    wrong("Cause", "longer than 1024 octets", read('{"DelSta":"failure","Cause":"%s"}' % ("x" * 1025)).status)


def test_ranges():
    for text, value in (
        ("(5-7, 10-10)", [(5, 7), (10, 10)]),
        ("(1-1)", [(1, 1)]),
        ("3", [(3, 3)]),
        (" ( 1 - 2 , 4 ) ", [(1, 2), (4, 4)]),
        ("(0000000001-2147483647)", [(1, 2147483647)]),
    ):
        equal(read_ranges(text), value)
    for text in (
        "",
        "()",
        "(,)",
        "(1-)",
        "(-1)",
        "(1--2)",
        "(a)",
        "(1.5)",
        "(\u00b2-3)",
        "(1-12345678901)",
        "(1_0)",
        "(+1)",
    ):
        wrong("segNoList", "not ranges like (5-7, 10-10)", read_ranges, text)
    for text in ("(0)", "(0-3)", "(4-3)"):
        wrong("segNoList", "ranges must rise from 1", read_ranges, text)


def test_text_of_a_damaged_flash_is_no_body():
    # RFC 8259 section 8.1: JSON is UTF-8, and none of these is
    for octets in (b"\x80", b"a\xff", b"\xc3(", b"\xc3", b"\xe2\x82"):
        raises(ValueError, payload.json_value, octets, True)
    equal(payload.json_value(b"\xc3\xa4", True), b'"\xc3\xa4"')


def test_octets():
    # RFC 4648 section 10
    for octets, text in (
        (b"", ""),
        (b"f", "Zg=="),
        (b"fo", "Zm8="),
        (b"foo", "Zm9v"),
        (b"foobar", "Zm9vYmFy"),
    ):
        equal(payload.octets_value(octets), b"data:;base64," + text.encode())
        for value in (b"data:;base64," + text.encode(), text.encode()):
            equal(payload.read_octets(value), octets)
    for text in (
        "Z",
        "Zg",
        "Zg=",
        "Zg==Zg==",
        "====",
        "Z===",
        "Zg==\n",
        "Zm9v\n\n\n\n",
        "Zm9*",
        "Zm-_",
        "\u00e4m9v",
        "=Zg=",
    ):
        wrong("payload", "not base64", payload.read_octets, text.encode())


def cut(call, nth):
    """Ctrl-C before the `nth` line of msgin5g.wire that `call()` runs; whether it came to that. CPython alone can: on
    MicroPython all of it runs, and nothing is cut."""
    lines = 0

    def line(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        if lines == nth:
            raise KeyboardInterrupt
        return line

    def begin(frame, event, argument):
        return line if "wire" in frame.f_code.co_filename else None

    if not hasattr(sys, "settrace"):
        call()
        return False
    sys.settrace(begin)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


def test_what_is_kept_of_names_is_theirs_after_ctrl_c_anywhere():
    head = b'","oriAddr":{"oriAddrType":"UE","addr":"%s"},"destAddr":{"destAddrType":"'
    asked = [
        (lambda name: escaped(name), lambda name: name.encode()),
        (
            lambda name: beginning("s", name),
            lambda name: (b'{"msgIden":"s","msgType":"', head % name.encode()),
        ),
        (
            lambda name: beginning(name, "a"),
            lambda name: (b'{"msgIden":"%s","msgType":"' % name.encode(), head % b"a"),
        ),
    ]
    for call, wanted in asked:
        for first in ("ue:b@x", "ue:c@x"):  # whichever is asked for next
            nth = 0
            goes_on = True
            while goes_on:
                nth += 1
                call("ue:b@x")
                goes_on = cut(lambda call=call: call("ue:c@x"), nth)
                equal(call(first), wanted(first))
                for name in ("ue:b@x", "ue:c@x"):
                    equal(call(name), wanted(name))
            assert nth > 1 or not hasattr(sys, "settrace")
