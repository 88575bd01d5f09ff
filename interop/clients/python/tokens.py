"""Tokens made with PyJWT: each line of the input is a JSON object of a key (PEM or a secret), an algorithm and claims."""

import json
import sys

import jwt

for line in sys.stdin:
    asked = json.loads(line)
    print(jwt.encode(asked["claims"], asked["key"], algorithm=asked["algorithm"], headers=asked.get("headers")))
