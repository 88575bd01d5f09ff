"""Operates a node through the client that openapi-python-client has generated from the node's own document.

python operators.py FOLDER BASE_URL KEY: the folder has the generated package `operators_client`. One JSON object on standard output.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from operators_client import AuthenticatedClient, models  # noqa: E402
from operators_client.api.default import (  # noqa: E402
    ban,
    configure_room,
    disconnect,
    get_me,
    get_room,
    kick,
    lift_ban,
    list_bans,
    list_members,
    list_messages,
    list_rooms,
    list_sessions,
    post_to_room,
)


def main():
    client = AuthenticatedClient(base_url=sys.argv[2], token=sys.argv[3])
    ask = lambda operation, *names, **rest: operation.sync(*names, client=client, **rest)  # noqa: E731
    me = ask(get_me)
    said = ask(post_to_room, "a/b", body=models.Posting(text="hello", user="ops"), idempotency_key="k1")
    again = ask(post_to_room, "a/b", body=models.Posting(text="hello", user="ops"), idempotency_key="k1")
    rooms, room = ask(list_rooms, prefix="a/"), ask(get_room, "a/b")
    page = ask(list_messages, "a/b", limit=10)
    members, sessions = ask(list_members, "a/b"), ask(list_sessions, room="a/b")
    banned = ask(ban, body=models.Penalty(user="mallory", room="a/b", seconds=60, reason="spam"))
    bans = [item.user for item in ask(list_bans).items]
    lifted = lift_ban.sync_detailed(banned.id, client=client).status_code
    slow = ask(configure_room, "a/b", body=models.RoomTerms(slow_mode_ms=1000)).slow_mode_ms
    kicked = ask(kick, "a/b", body=models.Kicked(user="ann")).here
    gone = ask(disconnect, body=models.Meant(user="ann")).here
    refused = ask(post_to_room, "x" * 300, body=models.Posting(text="hello"))
    print(json.dumps({
        "key": me.key,
        "one": said.at == again.at,
        "rooms": [[item.room, item.members] for item in rooms.items],
        "sessions": [room.sessions, [item.protocol for item in sessions.items]],
        "members": [member.user for member in members.items],
        "texts": [message.text for message in page.items],
        "bans": [bans, int(lifted)],
        "slow": slow,
        "left": [kicked, gone],
        "refused": [type(refused).__name__, refused.code],
    }))


main()
