#!/usr/bin/env python3
"""An HTTP server that does wrong what a server can do wrong.

    misbehave.py [--port 0] [--host 127.0.0.1] [--until-eof]

Prints its port on the first line of stdout and serves until it is terminated (or, with --until-eof, until its
standard input ends). The path chooses the behaviour, query parameters its size:

    /echo                  200, JSON: method, path, headers (as pairs), body (base64), connection (number)
    /authorized?sha256=    200, JSON: is that the hash of the Authorization header?
    /count[?path=/x]       200, JSON: requests so far, in all and by path; not counted itself
    /slow?ms=              200 after a delay
    /status?code=&after=&after-ms=    that status; Retry-After / retry-after-ms where given
    /flaky?n=&key=&code=&ms=  the first n requests with this key get the code (503), the later ones 200; after a delay
    /bytes?n=   /chunked?n=           n bytes, with their length or in chunks
    /endless               chunks without end
    /never                 a length of 1000, ten bytes, then nothing; the connection stays open
    /silent                reads the request and answers nothing; the connection stays open
    /close   /reset        reads the request and closes (resets) without a byte
    /cut                   a length of 1000, a hundred bytes, closed
    /stale                 200; the next request on this connection is read and the connection closed
    /garbage               chunked coding with a size that is no number
    /nothttp               bytes that are not HTTP
    /nul   /latin1         a body with NUL bytes, a body that is not UTF-8
    /bomb?mb=              gzip that unpacks to mb megabytes
    /flood?n=   /bigheader?n=         n headers, one header of n bytes
    /headers               repeated headers, odd names, an empty value
    /early                 100 and 103 before the 200
    /loop                  redirects to itself
    /hops?n=               n redirects, then /echo
    /redirect?to=&status=  redirects there (302)
"""

import argparse
import asyncio
import base64
import gzip
import hashlib
import json
import resource
import sys
import urllib.parse

counts = {}
flaky = {}
connections = 0


async def read_request(reader):
    """(method, path, query, headers, body), or None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:] if ":" in line]
    length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
    body = await reader.readexactly(length) if length else b""
    path, _, query = target.partition("?")
    return method, path, dict(urllib.parse.parse_qsl(query, True)), headers, body


def answer(status, body=b"", headers=(), reason="Whatever"):
    lines = ["HTTP/1.1 %d %s" % (status, reason), "Content-Length: %d" % len(body)]
    lines += ["%s: %s" % pair for pair in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def json_answer(value):
    return answer(200, json.dumps(value).encode(), [("Content-Type", "application/json")])


async def send(writer, data):
    writer.write(data)
    await writer.drain()


async def hold(reader):
    """Keeps the connection open until the client has had enough."""
    while await reader.read(65536):
        pass


def simple_answer(path, query, request, number):
    """Answers that are one well-formed piece of bytes."""
    method, _, _, headers, body = request
    n = int(query.get("n", "0"))
    if path == "/echo":
        return json_answer({"method": method, "path": request[1], "headers": headers,
                            "body": base64.b64encode(body).decode(), "connection": number})
    if path == "/authorized":
        value = next((v for k, v in headers if k.lower() == "authorization"), "")
        return json_answer(hashlib.sha256(value.encode()).hexdigest() == query.get("sha256"))
    if path == "/count":
        if "path" in query:
            return json_answer(counts.get(query["path"], 0))
        return json_answer({"all": sum(counts.values()), "paths": counts})
    if path == "/status":
        extra = [("Retry-After", query["after"])] if "after" in query else []
        extra += [("retry-after-ms", query["after-ms"])] if "after-ms" in query else []
        return answer(int(query.get("code", "500")), b"{}", extra)
    if path == "/flaky":
        key = query.get("key", "")
        flaky[key] = flaky.get(key, 0) + 1
        return answer(int(query.get("code", "503")) if flaky[key] <= n else 200, b"ok")
    if path == "/bytes":
        return answer(200, b"x" * n)
    if path == "/nul":
        return answer(200, b"a\0b\0\0c", [("Content-Type", "application/octet-stream")])
    if path == "/latin1":
        return answer(200, "Grüße".encode("latin-1"), [("Content-Type", "text/plain")])
    if path == "/bomb":
        packed = gzip.compress(b"\0" * (int(query.get("mb", "10")) << 20), 9)
        return answer(200, packed, [("Content-Encoding", "gzip")])
    if path == "/flood":
        return answer(200, b"ok", [("X-Flood-%d" % i, "1") for i in range(n)])
    if path == "/bigheader":
        return answer(200, b"ok", [("X-Big", "x" * n)])
    if path == "/headers":
        return answer(200, b"ok", [("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("X-Empty", ""),
                                   ("X-MiXed", "  spaces inside  "), ("X-Latin", "caf\xe9")])
    if path == "/early":
        return (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
                answer(200, b"ok", [("X-Final", "yes")]))
    if path == "/loop":
        return answer(302, b"", [("Location", "/loop")])
    if path == "/hops":
        return answer(302, b"moved", [("Location", "/hops?n=%d" % (n - 1) if n > 1 else "/echo")])
    if path == "/redirect":
        return answer(int(query.get("status", "302")), b"moved", [("Location", query["to"])])
    return None


async def misbehave(path, query, reader, writer):
    """The ways that need more than one piece. False: the connection is over."""
    n = int(query.get("n", "0"))
    if path == "/slow":
        await asyncio.sleep(int(query.get("ms", "100")) / 1000)
        await send(writer, answer(200, b"slow"))
        return True
    if path == "/chunked" or path == "/endless":
        await send(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while path == "/endless" or n > 0:
            size = 8192 if path == "/endless" else min(n, 8192)
            await send(writer, b"%x\r\n" % size + b"y" * size + b"\r\n")
            n -= size
        await send(writer, b"0\r\n\r\n")
        return True
    if path == "/stale":
        await send(writer, answer(200, b"fresh"))
        await read_request(reader)
    elif path == "/never":
        await send(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789")
        await hold(reader)
    elif path == "/silent":
        await hold(reader)
    elif path == "/reset":
        writer.transport.abort()
    elif path == "/cut":
        await send(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"z" * 100)
    elif path == "/garbage":
        await send(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n")
    elif path == "/nothttp":
        await send(writer, b"SSH-2.0-OpenSSH_9.2\r\n")
    elif path != "/close":
        await send(writer, answer(404, b"no such behaviour"))
        return True
    return False


async def serve(reader, writer):
    global connections
    connections += 1
    number = connections
    try:
        while (request := await read_request(reader)) is not None:
            path, query = request[1], request[2]
            if path != "/count":
                counts[path] = counts.get(path, 0) + 1
            data = simple_answer(path, query, request, number)
            if path == "/flaky":
                await asyncio.sleep(int(query.get("ms", "0")) / 1000)
            if data is not None:
                head_end = data.rindex(b"\r\n\r\n") + 4 if request[0] == "HEAD" else len(data)
                await send(writer, data[:head_end])
            elif not await misbehave(path, query, reader, writer):
                break
    except (ConnectionError, asyncio.IncompleteReadError, ValueError):
        pass
    finally:
        writer.close()


async def main():
    # Clients that are gone leave their connections here until their answer would be due.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    options = argparse.ArgumentParser()
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--until-eof", action="store_true")
    options = options.parse_args()
    server = await asyncio.start_server(serve, options.host, options.port, limit=1 << 26,
                                        backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    if options.until_eof:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    else:
        await server.serve_forever()


asyncio.run(main())
