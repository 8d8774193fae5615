# SPDX-License-Identifier: MIT
# Runs on MicroPython. A device sends a message, (topic, body), on the way that is counted, and an Application Server
# beside it takes that and sends a report, (topic, body).
from umqtt.simple import MQTTClient


def over_umqtt_simple(host, counted, port, message, report):
    taken = []
    device = MQTTClient("device", host, counted)
    server = MQTTClient("server", host, port)
    for client, (topic, _) in ((device, report), (server, message)):
        client.set_callback(lambda topic, body: taken.append((topic, body)))
        client.connect()
        client.subscribe(topic, qos=1)
    device.publish(message[0], message[1], qos=1)
    server.wait_msg()
    server.publish(report[0], report[1], qos=1)
    device.wait_msg()
    device.disconnect()
    server.disconnect()
    assert taken == [message, report], taken
