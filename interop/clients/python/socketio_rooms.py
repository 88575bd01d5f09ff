"""python-socketio over one way of transport, in a room with others. Ends with an exception where the server is not what it says.

usage: socketio_rooms.py http://HOST:PORT ROOM TRANSPORT...
Prints `cut` where its connections are to be cut, `parted` once they are, `quiet` where it waits for somebody to speak after some
heartbeats, and what it has held.
"""

import asyncio
import sys

import socketio
from engineio.payload import Payload

PATIENCE_S = 15
BURST = 50
# 16 are meant for servers; who polls in a busy room needs more (python-engineio, "Modifying the Maximum Number of Packets in a Payload").
Payload.max_decode_packets = 1000
PROMPT = {"reconnection_delay": 0.02, "reconnection_delay_max": 0.05, "randomization_factor": 0}


class Member:
    """A client that remembers what it heard, and how often it has connected."""

    def __init__(self, server, transports):
        self.server, self.transports = server, transports
        self.client = socketio.AsyncClient(**PROMPT)
        self.heard, self.connects, self.reasons = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        self.client.on("message", lambda said: self.heard.put_nowait(said))
        self.client.on("new message", lambda said: self.heard.put_nowait(said))
        self.client.on("connect", lambda: self.connects.put_nowait(self.client.get_sid()))
        self.client.on("disconnect", lambda why: self.reasons.put_nowait(why))

    async def __aenter__(self):
        await self.client.connect(self.server, transports=self.transports, auth={"token": "any"})
        self.sid = await self.connects.get()
        assert self.client.transport() == self.transports[-1], self.client.transport()
        return self

    async def __aexit__(self, *_):
        await self.client.disconnect()

    async def ask(self, event, **asked):
        """What the event is acknowledged with."""
        return await self.client.call(event, asked, timeout=PATIENCE_S)

    async def say(self, room, message):
        return await self.ask("message", room=room, userId="python", message=message)

    async def hear(self):
        return (await self.heard.get())["message"]


async def share_a_room(server, room, transports):
    """Texts, bytes and JSON come back as they were said, in order, each at the position that was acknowledged."""
    async with Member(server, transports) as member:
        joined = await member.ask("joinRoom", room=room)
        epoch, at = joined["at"].split(":")
        said = ["hi 🌍", b"\x00\x01\xff", {"deep": [1, "two"]}, b"x" * 20_000, ["a", None]]
        for offset, message in enumerate(said, int(at) + 1):
            assert await member.say(room, message) == {"at": f"{epoch}:{offset}"}
            assert await member.hear() == message


async def say_much_at_once(server, room, transports):
    """What is said without waiting is acknowledged in order."""
    async with Member(server, transports) as member:
        await member.ask("joinRoom", room=f"{room} burst")
        texts = [str(number) for number in range(BURST)]
        answers = await asyncio.gather(*(member.say(f"{room} burst", text) for text in texts))
        assert [int(answer["at"].split(":")[1]) for answer in answers] == list(range(1, BURST + 1)), answers
        assert [await member.hear() for _ in texts] == texts


async def leave_and_be_refused(server, room, transports):
    """Who has left may not speak, and is told why by a code."""
    async with Member(server, transports) as member:
        await member.ask("joinRoom", room=f"{room} left")
        assert await member.ask("leaveRoom", room=f"{room} left") == {}
        assert (await member.say(f"{room} left", "x"))["code"] == "not_joined"
        assert (await member.ask("joinRoom", room=""))["code"] == "bad_name"


async def write_to_one_user(server, room, transports):
    """A direct message reaches both devices of its user."""
    async with Member(server, transports) as phone, Member(server, transports) as laptop, Member(server, transports) as bob:
        for device in (phone, laptop):
            assert await device.ask("log in", username=f"alice of {room}") == {}
        await bob.ask("log in", username="bob")
        for message in ("psst", b"\x01\x02"):
            assert "at" in await bob.ask("send message", username=f"alice of {room}", message=message)
            for device in (phone, laptop):
                assert await device.heard.get() == {"username": "bob", "message": message}
        assert bob.heard.empty()


async def speak_in_two_namespaces(server, room, transports):
    """A room of a namespace is told there alone; the name that was taken holds in both."""
    client = socketio.AsyncClient(**PROMPT)
    heard = {namespace: asyncio.Queue() for namespace in ("/", "/news")}
    for namespace, queue in heard.items():
        client.on("message", queue.put_nowait, namespace=namespace)
    await client.connect(server, transports=transports, namespaces=list(heard), wait_timeout=PATIENCE_S)
    assert client.get_sid("/") != client.get_sid("/news")
    assert await client.call("log in", {"username": "carol"}, namespace="/news") == {}
    for namespace in heard:
        assert "at" in await client.call("joinRoom", {"room": f"{room} both"}, namespace=namespace)
        asked = {"room": f"{room} both", "message": f"in {namespace}"}
        assert "at" in await client.call("message", asked, namespace=namespace)
    for namespace, queue in heard.items():
        assert await queue.get() == {"userId": "carol", "message": f"in {namespace}"}
        assert queue.empty()
    await client.disconnect()


async def pass_events_on(server, room, transports):
    """An event of the application's own reaches the room with its arguments and bytes, and `all` everybody."""
    async with Member(server, transports) as member:
        drawn, called = asyncio.Queue(), asyncio.Queue()
        member.client.on("draw", lambda *said: drawn.put_nowait(said))
        member.client.on("all", lambda said: called.put_nowait(said))
        await member.ask("joinRoom", room=f"{room} board")
        said = ({"room": f"{room} board"}, [1, {"two": "three"}], b"\x00\xff", None)
        await member.client.emit("draw", said)
        assert await drawn.get() == said
        assert "at" in await member.ask("all", message=f"to all from {room}")
        while (await called.get())["message"] != f"to all from {room}":
            pass


async def stay_while_quiet(server, room, transports):
    """A client that says nothing is still there after some heartbeats."""
    async with Member(server, transports) as member:
        await member.ask("joinRoom", room=room)
        print("quiet", flush=True)
        assert await member.hear() == "still there?"
        assert member.reasons.empty()


async def come_back_after_a_cut(server, room, transports):
    """A client that was cut comes back by itself as somebody new, and joins again."""
    async with Member(server, transports) as member:
        await member.ask("joinRoom", room=room)
        print("cut", flush=True)
        assert await member.reasons.get() == socketio.AsyncClient.reason.TRANSPORT_ERROR
        print("parted", flush=True)
        assert await member.connects.get() != member.sid
        await member.ask("joinRoom", room=room)
        await member.say(room, "back again")
        assert await member.hear() == "back again"


CONVERSATIONS = (
    share_a_room,
    say_much_at_once,
    leave_and_be_refused,
    write_to_one_user,
    speak_in_two_namespaces,
    pass_events_on,
    stay_while_quiet,
    come_back_after_a_cut,
)


async def run(server, room, *transports):
    for conversation in CONVERSATIONS:
        await asyncio.wait_for(conversation(server, room, list(transports)), PATIENCE_S)
        print(conversation.__name__, flush=True)


asyncio.run(run(*sys.argv[1:]))
