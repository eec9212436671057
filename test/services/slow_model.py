#!/usr/bin/env python3
"""A chat model that takes its time.

    slow_model.py FOLDER

Prints its port and serves until it is terminated. Each request is a file FOLDER/<n>, written when it has arrived; its answer
comes when FOLDER/answer is there, and says that a mail asks for nothing.
"""

import http.server
import itertools
import json
import os
import sys
import time

folder = sys.argv[1]
numbers = itertools.count(1)
facts = {"classification": "informational", "confidence": 1, "language": "en", "tasks": [], "events": []}
answer = json.dumps({"choices": [{"message": {"content": json.dumps(facts)}, "finish_reason": "stop"}], "usage": {}}).encode()


class Model(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        name = os.path.join(folder, str(next(numbers)))
        with open(name + ".new", "wb") as file:
            file.write(body)
        os.rename(name + ".new", name)
        while not os.path.exists(os.path.join(folder, "answer")):
            time.sleep(0.02)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
