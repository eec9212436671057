#!/usr/bin/env python3
"""A service with a ledger, for tests that kill its callers: what it was asked, line by line, before it answers.

    model.py LEDGER

Prints its port on the first line of stdout and serves on 127.0.0.1 until it is terminated. Answers take 5 to 60 ms.

    POST .../v1/chat/completions   OpenAI's shape: one task for the first "REF-<name>/<day>/<minutes>" in the question;
                                   ledger: "ref <path> <name>"
    anything else                  200, the number of this answer (no two have the same); ledger: "call <key> <number>" with the
                                   Idempotency-Key
"""

import asyncio
import json
import random
import re
import sys

MARK = re.compile(rb"REF-(\w+)/(\d{4}-\d\d-\d\d)/(\d+)")
ledger = open(sys.argv[1], "a", buffering=1)
answers = 0


def completion(mark):
    name, day, minutes = (part.decode() for part in mark.groups())
    facts = {"classification": "actionable", "confidence": 0.9, "language": "en", "events": [], "tasks": [{
        "description": "See to " + name, "deadline": day + "T16:00:00", "duration_minutes": int(minutes), "priority": 5,
        "location": None, "attendees": [], "category": "work", "confidence": 0.9}]}
    return json.dumps({"id": "x", "object": "chat.completion", "model": "m", "choices": [{
        "index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": json.dumps(facts)}}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990}})


def answer(path, headers, body):
    global answers
    mark = MARK.search(body)
    if mark and path.endswith("/chat/completions"):
        ledger.write("ref %s %s\n" % (path, mark.group(1).decode()))
        return completion(mark)
    answers += 1
    ledger.write("call %s %d\n" % (headers.get("idempotency-key", "-"), answers))
    return str(answers)


async def serve(reader, writer):
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:] if ":" in line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            text = answer(lines[0].split(" ")[1], headers, body).encode()
            await asyncio.sleep(random.uniform(0.005, 0.06))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
