"""Python's `websockets` in plain rooms and in the rich protocol. Ends with an exception where the server is not what it says.

usage: rooms.py ws://HOST:PORT
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import PerMessageDeflate

SUBPROTOCOL = "heimdallr.v1.json"
PATIENCE_S = 15


async def share_a_plain_room(server):
    """Two members of a room whose name is not ASCII get the same messages in the same order."""
    async with connect(f"{server}/gr%C3%BC%C3%9Fe") as ann, connect(f"{server}/gr%C3%BC%C3%9Fe") as bob:
        said = ["hi", b"\x00\xff", "ü" * 20_000, ""]
        for message in said:
            await ann.send(message)
        await bob.send(["in ", "three ", "parts"])
        said.append("in three parts")
        heard = [[await member.recv() for _ in said] for member in (ann, bob)]
        # Two members may be heard in either order, but in the same one.
        assert heard[0] == heard[1], heard
        assert [message for message in heard[0] if message != said[-1]] == said[:-1], heard
        await (await ann.ping(b"alive?"))


async def compress(server):
    """What is compressed both ways is the same on both sides."""
    async with connect(f"{server}/deflated") as member:
        assert any(isinstance(one, PerMessageDeflate) for one in member.protocol.extensions), "not agreed on"
        await member.send("la" * 5_000)
        assert await member.recv() == "la" * 5_000
    async with connect(f"{server}/deflated", compression=None) as member:
        assert not member.protocol.extensions
        await member.send("plain")
        assert await member.recv() == "plain"


async def speak_the_rich_protocol(server):
    """A post is answered with its position, and shown."""
    async with connect(f"{server}/v1", subprotocols=["chat", SUBPROTOCOL]) as client:
        assert client.subprotocol == SUBPROTOCOL
        for command in (
            {"do": "identify", "id": "1", "user": "zoë"},
            {"do": "join", "id": "2", "room": "py"},
            {"do": "post", "id": "3", "room": "py", "data": {"a": [1, None]}},
        ):
            await client.send(json.dumps(command))
        told = {}
        while not {"welcome", "joined", "accepted", "posted"} <= told.keys():
            one = json.loads(await client.recv())
            told[one["is"]] = one
        assert told["welcome"]["user"] == "zoë" and told["joined"]["room"] == "py", told
        assert told["posted"]["at"] == told["accepted"]["at"] and told["posted"]["data"] == {"a": [1, None]}, told


async def meet_the_close_codes(server):
    """Whoever breaks the protocol is told so by its code, and whether to come back."""
    for message, code, reason in (("[]", 4500, "bad_message"), (b"\x00", 4500, "bad_message"), ("x" * 70_000, 1009, "message_too_large")):
        async with connect(f"{server}/v1", subprotocols=[SUBPROTOCOL]) as client:
            await client.send(message)
            try:
                while json.loads(await client.recv())["is"] == "closing":
                    pass
            except ConnectionClosedError as closed:
                assert (closed.rcvd.code, closed.rcvd.reason) == (code, reason), closed
            else:
                raise AssertionError("was not closed")


async def run(server):
    for conversation in (share_a_plain_room, compress, speak_the_rich_protocol, meet_the_close_codes):
        await asyncio.wait_for(conversation(server), PATIENCE_S)
        print(conversation.__name__)


asyncio.run(run(sys.argv[1]))
