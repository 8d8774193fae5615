# SPDX-License-Identifier: MIT
# heap: 224k, all that was asked in four hours is kept here
"""A UE configuration (TS 24.538 clause 6.2.1) that is another one when it is asked for again."""

import coap
import msgin5g_scene
from common import equal
from configuration_scene import UE, Server, changed, content, document, host, scene, state, who
from msgin5g_scene import HOUR, MINUTE, SECOND, agree, msg


def test_another_service_id():
    made = changed(content(document()), content(document("ue:new@x")))
    made.run(HOUR)
    kinds = [(asked.kind, asked.body and who(asked)) for asked in made.asked if asked.kind != "CONFIG"]
    place = kinds.index(("DEREG", UE))
    # the former one is given up first
    equal(kinds[place + 1 :], [("REG", "ue:new@x")])
    equal({each[1] for each in kinds[:place]} - {UE}, set())
    equal(state(made), ("registered", None))
    equal(made.post(msg()).code, coap.NOT_FOUND)
    equal(made.post(msg().replace(b"ue:a@x", b"ue:new@x")).code, coap.CHANGED)
    restarted = scene(None, made.storage).start()
    equal(who(restarted.asked[0]), "ue:new@x")


def test_messages_that_wait_go_out_under_the_new_service_id():
    made = scene(content(document(), 10800)).start()
    made.answer = lambda asked: None if asked.kind == "MSG" else agree(asked)
    small = made.send(payload="s")
    large = made.send(to="ue:c@x", payload="l" * 2000)
    made.run(2 * HOUR)
    equal((small.final, large.final), (False, False))
    server = Server(content(document("ue:new@x" + "y" * 100)))
    made.answer = lambda asked: None if asked.kind == "MSG" and who(asked) == UE else server(asked)
    made.forget()
    made.run(4 * HOUR)
    equal((small.state, state(made)[0]), ("accepted", "registered"))
    since = made.kinds().index("DEREG")
    equal({who(asked) for asked in made.asked[since + 1 :] if asked.kind == "MSG"}, {"ue:new@x" + "y" * 100})
    assert max([len(asked.datagram) for asked in made.asked]) <= 1152


def test_a_set_of_segments_that_was_begun_begins_anew_under_another_service_id():
    made = scene(content(document(), 10800)).start()
    left = [2]

    def answer(asked):
        if asked.kind == "MSG" and left[0] == 0:
            return None
        left[0] -= asked.kind == "MSG"
        return agree(asked)

    made.answer = answer
    large = made.send(payload="l" * 3000)
    made.run(100 * SECOND)
    before = made.of("MSG")[0].body["segParams"]
    equal((large.final, made.of("MSG")[-1].body["segParams"]["segNumb"]), (False, 3))
    # of the same length: only the originator tells that it is another set
    server = Server(content(document("ue:s2@example.org")))
    made.answer = lambda asked: None if asked.kind == "MSG" and who(asked) == UE else server(asked)
    made.forget()
    made.run(4 * HOUR)
    sent = [asked.body["segParams"] for asked in made.of("MSG") if who(asked) == "ue:s2@example.org"]
    total = sent[0]["totalSegCount"]
    equal([each["segNumb"] for each in sent][:total], list(range(1, total + 1)))
    equal(({each["segId"] for each in sent} & {before["segId"]}, large.state), (set(), "accepted"))


def test_what_is_on_the_air_under_the_former_service_id_does_not_count():
    made = scene(content(document(), 10800), coap={"nstart": 2}).start()
    server = Server(content(document("ue:new@x")))
    made.answer = lambda asked: None if asked.kind == "MSG" else server(asked)
    made.run(3 * HOUR - SECOND)
    large = made.send(payload="l" * 2000)
    while "DEREG" not in made.count:
        made.run(SECOND)
    # it was taken off the air at once, so that no answer to it is one for what goes out now
    equal([who(asked) for asked in made.of("MSG")], [UE, "ue:new@x"])
    made.answer = server
    made.run(MINUTE)
    sent = [asked.body["segParams"]["segNumb"] for asked in made.of("MSG") if who(asked) == "ue:new@x"]
    equal((sent, large.state), (list(range(1, len(sent) + 1)), "sent"))
    made.run(2 * MINUTE)  # no SEGCONFIR comes
    equal(large.state, "accepted")


def test_another_gateway_may_have_the_server_behind_it():
    """With the name of the server there is less room for a payload: what waits still fits."""
    name = "s" * 100
    before = msgin5g_scene.PEER
    try:
        msgin5g_scene.PEER = (name, 65401)
        made = scene(content(document(server="coap://" + name)), peer="coap://" + name).start()
        equal(host(made), ([], []))
        made.answer = lambda asked: None if asked.kind == "MSG" else agree(asked)
        waiting = made.send(payload="p" * 2000)
        made.run(2 * MINUTE)
        made.client.config.change("peer_host", "224.0.1.187")  # it was looked for, and this one was found
        made.client.peer = msgin5g_scene.PEER = ("192.0.2.2", 65401)
        made.answer = agree
        made.run(10 * MINUTE)
    finally:
        msgin5g_scene.PEER = before
    equal((waiting.state, host(made, "MSG")[0]), ("accepted", [name.encode()]))
    assert max([len(asked.datagram) for asked in made.asked]) <= 1152


def test_another_server_is_registered_with_at_once():
    made = changed(content(document()), content(document(server="coap://192.0.2.9")))
    made.run(HOUR)
    place = made.kinds().index("CONFIG")
    equal((made.kinds()[place + 1], state(made)[0]), ("REG", "registered"))
    equal(host(made)[0], [b"192.0.2.9"])
    equal(made.count.get("DEREG"), None)


def test_a_smaller_size_of_segments_cuts_what_waits():
    made = scene(content(document(), 10800)).start()
    made.answer = lambda asked: None if asked.kind == "MSG" else agree(asked)
    whole = made.send(payload="w" * 600)
    made.run(HOUR)
    server = Server(content(document(size=256)))
    made.answer = lambda asked: None if len(asked.body.get("payload", "")) > 256 else server(asked)
    made.forget()
    made.run(4 * HOUR)
    sizes = [len(asked.body["payload"]) for asked in made.of("MSG") if "segParams" in asked.body]
    equal((whole.state, sizes), ("accepted", [256, 256, 88]))
    equal(made.of("REG")[-1].body["cliProfile"]["maxSegSize"], 256)


def test_what_is_the_same_changes_nothing():
    made = changed(content(document()), content(document(), etag=b"\x09"))
    made.run(HOUR)
    kinds = made.kinds()
    equal((kinds.count("CONFIG"), kinds.count("DEREG"), kinds.count("REG") <= 2), (1, 0, True))


def test_a_failure_behind_the_registration_leaves_it_alone():
    for answer in (None, coap.NOT_FOUND, content(b"?"), coap.SERVICE_UNAVAILABLE):
        made = changed(content(document()), answer)
        made.run(2 * HOUR)
        outgoing = made.send()
        made.run(2 * MINUTE)  # where there is no answer, its time on the air has to end
        equal((state(made), outgoing.state), (("registered", None), "accepted"))
        assert made.count["CONFIG"] > 1, made.count


def test_another_service_id_while_the_device_is_stopped():
    made = scene(content(document())).start()
    made.stop()
    made.run(HOUR)
    equal(state(made)[0], "stopped")
    made.start()
    equal((state(made)[0], made.kinds()[-1]), ("registered", "REG"))
