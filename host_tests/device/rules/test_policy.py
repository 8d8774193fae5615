# SPDX-License-Identifier: MIT
"""Each response code, silence and Reset against each kind of request: what ends, what is sent again, and when.

The expectations are those of RFC 7252 section 5.9 (an unknown code is the x.00 of its class), RFC 7959 section 2.9 and
RFC 8516, and of docs/wire-profile.md; they are not read from the table of the code.
"""

import coap
from common import Random, equal, raises
from msgin5g.rules import policy
from msgin5g_scene import DAY, MINUTE, SECOND, Scene, agree, answering, max_age, msg, segment, ticks


class Replaced:
    """Names of a module stand for something else within."""

    def __init__(self, module, **names):
        self.module = module
        self.names = names

    def __enter__(self):
        self._swap()

    def __exit__(self, *error):
        self._swap()

    def _swap(self):
        for name in self.names:
            there = getattr(self.module, name)
            setattr(self.module, name, self.names[name])
            self.names[name] = there


REPORT = '"isDelivStatReq":true,'
SILENCE = None


def code(text):
    return int(text[0]) << 5 | int(text[2:])


def codes(*texts):
    return [code(text) for text in texts]


REGISTERING = code("4.01")
# To be sent again for what it is: incomplete, too many, and the server's own trouble
PASSING = codes("4.08", "4.29", "5.00", "5.02", "5.03", "5.04")
# The server says that it will never be able to
NEVER = codes("5.01", "5.05")
ERRORS = [4 << 5 | detail for detail in range(32)] + [5 << 5 | detail for detail in range(32)]
LATER = [each for each in ERRORS if each in PASSING or (each >= code("5.00") and each not in NEVER)]
FINAL = [each for each in ERRORS if each not in LATER and each != REGISTERING]
SUCCESS = codes("2.01", "2.02", "2.03", "2.04", "2.05")


def saying(kind, said):
    """All goes well but requests of this kind."""
    return lambda asked: said if asked.kind == kind else agree(asked)


def shown(said, *found):
    """A failure that names the code."""
    return (said if said in (None, "reset") else coap.code_text(said),) + found


def test_the_codes_are_all_there():
    equal((len(ERRORS), len(LATER), len(FINAL)), (64, 6 + 26, 64 - 32 - 1))


# --- messages, whole and in segments ------------------------------------------------------------------------


def test_messages():
    for payload in ("hi", "x" * 3000):
        for said in SUCCESS + FINAL + LATER + [SILENCE, "reset"]:
            scene = Scene(saying("MSG", said)).start()
            outgoing = scene.send(payload=payload)
            scene.run(110 * SECOND if said is SILENCE else 8 * SECOND)
            if said in SUCCESS:
                expected = "accepted" if payload == "hi" else "sent"
            else:
                expected = "failed" if said in FINAL else "sent"
            equal(shown(said, outgoing.state), shown(said, expected))
            if said not in SUCCESS:
                equal(shown(said, scene.count["MSG"]), shown(said, 1 if said in FINAL else 2))


def test_a_message_and_a_server_that_does_not_know_the_device():
    scene = Scene(saying("MSG", REGISTERING)).start()
    outgoing = scene.send()
    # at once after registering, and from then on more and more rarely
    equal((scene.count["REG"] >= 2, scene.count["MSG"] >= 2, outgoing.final), (True, True, False))
    scene.run(60 * MINUTE)
    assert scene.count["MSG"] < 40, scene.count
    scene.answer = agree
    scene.run(11 * MINUTE)
    equal(outgoing.state, "accepted")


# --- reports ------------------------------------------------------------------------------------------------


def owing(scene):
    """A report is on its way."""
    scene.post(msg(more=REPORT))
    scene.take()
    return scene


def test_reports():
    for said in SUCCESS + FINAL + LATER + [SILENCE, "reset"]:
        scene = owing(Scene(saying("IMDN", said)).start())
        scene.run(110 * SECOND if said is SILENCE else 8 * SECOND)
        once = said in SUCCESS or said in FINAL
        equal(shown(said, scene.count["IMDN"], scene.client.idle), shown(said, 1 if once else 2, once))
        stats = scene.client.stats
        equal(
            shown(said, stats["reported"], stats["reports_refused"]),
            shown(said, int(said in SUCCESS), int(said in FINAL)),
        )


def test_a_report_that_nobody_takes_fills_no_inbox():
    scene = Scene(saying("IMDN", code("5.01")), inbox={"messages": 4}).start()
    for number in range(8):
        equal(scene.post(msg("m-%d" % number, more=REPORT)).code, coap.CHANGED)
        scene.take()
    scene.run(DAY)
    equal(scene.count["IMDN"], 8)


def test_a_report_that_is_tried_again_costs_300_requests_a_day():
    for said in (code("4.08"), code("5.00"), REGISTERING):
        scene = owing(Scene(saying("IMDN", said)).start())
        scene.run(DAY)
        assert scene.count["IMDN"] < 420, (
            said,
            scene.count,
        )  # 86,400 / 300 and a quarter, and the first ones
        scene.answer = agree
        scene.run(11 * MINUTE)
        equal((scene.client.idle, scene.client.stats["reported"]), (True, 1))


def test_what_is_denied_for_ever_blocks_nothing_else():
    # 4.01 to one kind of request only: each makes the device register, none may keep the rest from the air
    def denying(asked):
        if asked.kind in ("IMDN", "TOPIC") or asked.body.get("priority") == "HIGH":
            return REGISTERING
        return agree(asked)

    for busy in (owing, watching, urgent):
        scene = Scene(denying).start()
        busy(scene)
        outgoing = scene.send("ue:c@x")
        scene.run(2 * MINUTE)
        equal(outgoing.state, "accepted")
        scene.forget()
        scene.run(DAY)
        assert scene.count["REG"] < 900, scene.count


def watching(scene):
    subscription = scene.client.subscribe("alerts", scene.tick)
    scene._pump()
    return subscription


def urgent(scene):
    scene.send(priority="HIGH")


# --- what is said about segments ----------------------------------------------------------------------------


def test_confirmations():
    for said in SUCCESS + FINAL + LATER + [SILENCE, "reset"]:
        scene = Scene(saying("SEGCONFIR", said)).start()
        scene.post(segment(1, 2))
        scene.post(segment(2, 2))
        scene.run(15 * MINUTE)
        once = said in SUCCESS or said in FINAL
        equal(shown(said, scene.count["SEGCONFIR"], scene.client.idle), shown(said, 1 if once else 5, True))


def test_recoveries():
    # Three askings, 5 s apart, whatever is said to them; 4.04 means that the sender holds nothing any more.
    for said in SUCCESS + ERRORS + ["reset"]:
        scene = Scene(saying("SEGREC", said)).start()
        scene.post(segment(1, 2))
        scene.run(MINUTE)
        if said != REGISTERING:
            expected = 1 if said == coap.NOT_FOUND else 3
            equal(shown(said, scene.count["SEGREC"]), shown(said, expected))
        equal(shown(said, scene.client.stats["given_up"]), shown(said, 1))


# --- topics -------------------------------------------------------------------------------------------------


def test_subscriptions():
    for said in FINAL + LATER + [SILENCE, "reset"]:
        scene = Scene(saying("TOPIC", said)).start()
        subscription = watching(scene)
        scene.run(110 * SECOND if said is SILENCE else 8 * SECOND)
        refused = said in FINAL
        equal(
            shown(said, subscription.state, scene.count["TOPIC"]),
            shown(said, "refused" if refused else "subscribing", 1 if refused else 2),
        )


def test_ends_of_subscriptions():
    granted = (coap.CONTENT, b'{"subStatus":true}', [(coap.OBSERVE, b"\x01")] + max_age(3600))
    for said in SUCCESS + FINAL + LATER + [SILENCE, "reset"]:
        scene = Scene(saying("TOPIC", granted)).start()
        subscription = watching(scene)
        equal(subscription.state, "subscribed")
        scene.answer = saying("TOPIC", said)
        scene.forget()
        scene.client.unsubscribe("alerts", scene.tick)
        scene._pump()
        scene.run(110 * SECOND if said is SILENCE else 8 * SECOND)
        again = said not in SUCCESS and said not in FINAL
        equal(
            shown(said, subscription.state, scene.count["TOPIC"]),
            shown(said, "unsubscribing" if again else "unsubscribed", 2 if again else 1),
        )


# --- registration -------------------------------------------------------------------------------------------


def test_registrations():
    # 4.03 is a refusal: 60 s and more. All else is tried again after 2 s and more.
    for said in ERRORS + [SILENCE, "reset"]:
        for gateway_service in (False, True):
            kind = "GWREG" if gateway_service else "REG"
            scene = Scene(saying(kind, said), gateway_service=gateway_service, ue_id="s-1").start()
            scene.run(110 * SECOND if said is SILENCE else 4 * SECOND)
            refused = said == coap.FORBIDDEN
            equal(
                shown(said, scene.client.registration.state, scene.count[kind]),
                shown(said, "refused" if refused else "unreachable", 1 if refused else 2),
            )
            scene.answer = agree
            scene.run(6 * MINUTE)
            equal(shown(said, scene.client.registered), shown(said, True))


def test_de_registrations():
    for said in SUCCESS + ERRORS + [SILENCE, "reset"]:
        scene = Scene(saying("DEREG", said)).start()
        scene.stop()
        scene.run(10 * MINUTE)
        equal(shown(said, scene.client.registration.state, scene.count["DEREG"]), shown(said, "stopped", 1))


# --- back-offs ----------------------------------------------------------------------------------------------


def test_a_back_off_is_doubled_or_grows_by_the_same():
    # (first wait, longest wait, growth) in ms, and the waits between seven requests: 25 % of jitter (docs/retries.md)
    for row, waits in (
        ("resend 4000 60000 0", (4, 8, 16, 32, 60, 60)),
        ("resend 4000 18000 4000", (4, 8, 12, 16, 18, 18)),
        ("resend 7000 7000 0", (7, 7, 7, 7, 7, 7)),
    ):
        with Replaced(
            policy, BACKOFFS="\n" + row + policy.BACKOFFS[policy.BACKOFFS.index("\nregistration") :]
        ):
            scene = Scene(answering(coap.SERVICE_UNAVAILABLE)).start()
            scene.send()
            scene.run(250 * SECOND)
            found = ticks(scene)
            for number, wait in enumerate(waits):
                took = found[number + 1] - found[number]
                assert wait * 0.75 <= took <= wait * 1.25 + 0.01, (row, wait, found)


def test_a_kind_of_request_is_a_row():
    """What a stranger's procedure asks for, and what is forgotten there."""
    row = "STATUS registration 3 " + policy.REQUESTS.split()[3]
    with Replaced(policy, REQUESTS=policy.REQUESTS + "\n" + row):
        equal((policy.verdict(0xA3, "STATUS"), policy.verdict(0x44, "STATUS")), (policy.AGAIN, policy.DONE))
        equal(policy.max_tries("STATUS"), 3)
        wait = policy.backoff("STATUS", Random(1).bytes).failed(0)
        assert 1500 <= wait <= 2500, wait  # 2 s and a quarter
    # nor is one whose name is the beginning of another's, or more than it
    for kind in ("STATUS", "SEG", "MSGRESP", "", " "):
        raises(KeyError, policy.verdict, 0xA3, kind)
    raises(KeyError, policy.backoff, "STATUS", None)
