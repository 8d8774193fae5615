# SPDX-License-Identifier: MIT
"""Does what groups.json says: {"join": [...], "leave": [...], "group_members": [...], "send": {group: text},
"to": {UE: text}, "app": ID}, prints each step as JSON, then takes messages for ever, of itself and of that
application."""

import asyncio
import json

from device import start
from msgin5g import GroupError


def tell(step, **fields):
    fields["step"] = step
    print(">", json.dumps(fields))


async def hear(name, inbox):
    async for message in inbox.messages():
        tell(
            "took",
            by=name,
            to=message.to,
            to_type=message.to_type,
            sender=message.sender,
            payload=message.payload,
        )


async def main():
    with open("groups.json") as file:
        todo = json.load(file)
    client = await start()
    client.on_group = lambda group, what: tell("group", group=group, what=what)
    if "app" in todo:
        asyncio.create_task(hear(todo["app"], client.application(todo["app"])))
    if todo.get("watch"):
        groups = await client.groups()
        tell("groups", groups=[[each.group_id, each.name, each.joined] for each in groups])
    for name in ("join", "leave", "group_members"):
        for group in todo.get(name, ()):
            try:
                tell(name, group=group, result=await getattr(client, name)(group, todo.get("timeout", 60)))
            except GroupError as error:
                tell("error", group=group, why=str(error))
    for kind, name in (("GROUP", "send"), ("UE", "to")):
        for to, text in todo.get(name, {}).items():
            outgoing = await client.send(to, text, to_type=kind, app_id=todo.get("app_id"))
            tell("sent", state=await outgoing.wait(30), cause=outgoing.cause)
    tell("ready")
    await hear("", client)


asyncio.run(main())
