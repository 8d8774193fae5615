# SPDX-License-Identifier: MIT
"""An Application Server in Python, for programs that talk with devices: MSGin5G-3, the HTTP of TS 29.538.

async with ApplicationServer("as:weather@example.org") as server:
    sent = await server.send("ue:sensor-1@example.org", "measure", report=True)
    print(await sent.report(60))
    async for message in server.messages():
        print(message.sender, message.payload)
"""

from tools.application.calls import NotReachable, Refused, ServerError
from tools.application.server import ApplicationServer
from tools.application.values import Message, Report, Sent
