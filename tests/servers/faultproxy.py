#!/usr/bin/python3
"""faultproxy: an HTTP/1.1 proxy that spoils chosen requests.

Stands, with TLS of its own, before a registry or an API server (--upstream
URL), streams both bodies, and does what the rules say.  The rules file
(JSON, --rules) is read again when it changes, all counts beginning anew:

    [{"method": "PATCH",            regular expression, whole; default any
      "path": "/blobs/uploads/",    regular expression, searched in path?query
      "names": "journal",           regular expression, searched in path?query
                                    and the request's body, which is then
                                    read before all else
      "nth": 2,                     only the 2nd matching request
      "every": 3,                   or each 3rd one
      "times": 1,                   or the first one; default: all
      ...actions}]

A request takes the actions of every rule that applies; the first rule that
names an action wins.  Actions on the way there:

    delay: S                 waits before anything else
    run: [CMD, ARG...]       runs that before the request goes upstream, which
                             waits for its end
    status: N                answers itself, with `headers` (values may be
                             lists) and `body`; the request's body is read
                             up to `after` bytes (default: all of it), and
                             with "forward": true goes to the upstream first
    reset_request: N         connection reset after N bytes of the body went
                             upstream (0: at once)
    cut_request: N           orderly end, on both sides, after N bytes of the
                             body went upstream
    drop_query: true         the request goes upstream without its query
    kill: WHEN               SIGKILL to the process whose number is in
                             `pidfile`, "before" the request goes upstream
                             (it never does) or "after" it was answered (the
                             client never hears); `signal` names another one,
                             after which the client is served as usual
    rate: N                  both bodies at most at N bytes a second

and on the way back:

    delay_response: S        waits before the answer's first byte
    lose_answer: true        connection reset although the upstream did it
    reset_response: N        connection reset after N bytes of the body
    cut: N                   orderly end after N bytes of the body
    corrupt: N               flips the body's byte N
    location: FORM           Location header made "relative", "absolute",
                             "http" (downgraded), "host:NAME", or "bare": its
                             query is kept back and put in again upstream
    strip: [HEADER...]       removes headers
    set: {HEADER: VALUE}     sets headers; a list makes several

With --keeper it is a registry that keeps an upload that was cut off, as the
OCI distribution-spec wants and the one behind it may not: what it gets of a
PATCH goes on as a PATCH that is always ended properly, GET of an upload tells
how much there is, and a PATCH that belongs elsewhere gets 416.

--log gets one JSON line a request: n, method, path, status (0: none),
up and down (bytes of the bodies), auth (whether Authorization was there, and
only its scheme), rules (those that applied, from 0).
"""

import argparse
import http.client
import http.server
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse

BLOCK = 65536
HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer",
       "transfer-encoding", "upgrade"}


class Reset(Exception):
    """The client's connection is to be reset."""


class Rules:
    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.stamp = None
        self.rules = []

    def _load(self):
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            self.stamp, self.rules = None, []
            return
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp == self.stamp:
            return
        with open(self.path) as file:
            text = file.read()
        self.rules = [dict(rule, seen=0) for rule in json.loads(text or "[]")]
        self.stamp = stamp

    def wants_body(self, method, path):
        """Whether a rule that may apply looks into the body."""
        with self.lock:
            self._load()
            return any("names" in rule and self._matches(rule, method, path)
                       for rule in self.rules)

    def apply(self, method, path, body):
        """The numbers of the rules that apply, and their actions merged."""
        with self.lock:
            self._load()
            numbers, actions = [], {}
            for number, rule in enumerate(self.rules):
                if not self._matches(rule, method, path) or not (
                        re.search(rule.get("names", ""), path) or
                        re.search(rule["names"].encode(), body)):
                    continue
                rule["seen"] += 1
                if self._counts(rule):
                    numbers.append(number)
                    actions = {**rule, **actions}
            return numbers, actions

    @staticmethod
    def _matches(rule, method, path):
        return re.fullmatch(rule.get("method", ".*"), method) and \
            re.search(rule.get("path", ""), path)

    @staticmethod
    def _counts(rule):
        seen = rule["seen"]
        if "nth" in rule:
            return seen == rule["nth"]
        if "every" in rule:
            return seen % rule["every"] == 0
        return seen <= rule.get("times", seen)


class Log:
    def __init__(self, path):
        self.file = open(path, "a", buffering=1)
        self.lock = threading.Lock()
        self.count = 0

    def write(self, **fields):
        with self.lock:
            self.count += 1
            self.file.write(json.dumps(dict(n=self.count, **fields)) + "\n")


class Pace:
    """Keeps a stream at a rate; None lets it run."""

    def __init__(self, rate):
        self.rate = rate
        self.start = time.monotonic()
        self.sent = 0

    def block(self):
        return min(BLOCK, max(1, self.rate // 10)) if self.rate else BLOCK

    def passed(self, size):
        self.sent += size
        if self.rate:
            ahead = self.sent / self.rate - (time.monotonic() - self.start)
            if ahead > 0:
                time.sleep(ahead)


class Kept:
    """An upload that the keeper knows: where it goes on, and its size."""

    def __init__(self, url):
        self.lock = threading.Lock()
        self.url = url      # path and query at the upstream
        self.size = 0

    def moved(self, location, sent):
        url = urllib.parse.urlsplit(location)
        self.url = urllib.parse.urlunsplit(("", "") + tuple(url[2:]))
        self.size += sent


class Keeper:
    """All uploads, by their paths."""

    def __init__(self):
        self.lock = threading.Lock()
        self.uploads = {}

    def begun(self, location):
        kept = Kept("")
        kept.moved(location, 0)
        with self.lock:
            self.uploads[urllib.parse.urlsplit(location).path] = kept

    def find(self, path):
        with self.lock:
            return self.uploads.get(urllib.parse.urlsplit(path).path)

    def ended(self, path):
        with self.lock:
            self.uploads.pop(urllib.parse.urlsplit(path).path, None)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 0
    upstream = upstream_tls = rules = log = keeper = None
    lock = threading.Lock()
    held = {}       # queries that "bare" kept back, by path

    # --- the request's body ---

    def handle_expect_100(self):
        return True     # sent when the body is wanted, see body()

    def body(self, block):
        """Yields the request's body."""
        if self.whole is not None:
            if self.whole:
                yield self.whole
            return
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            yield from self.chunks()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            data = self.rfile.read1(min(block, left))
            if not data:
                raise ConnectionError("the client's body ended early")
            left -= len(data)
            yield data

    def chunks(self):
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                while self.rfile.readline().strip():
                    pass
                return
            while size > 0:
                data = self.rfile.read1(min(size, BLOCK))
                if not data:
                    raise ConnectionError("the client's body ended early")
                size -= len(data)
                yield data
            self.rfile.readline()

    def counted_body(self, limit, reset):
        """The body, counted and paced; ends or resets after `limit`."""
        pace = Pace(self.actions.get("rate"))
        if limit == 0 and reset:
            raise Reset
        for data in self.body(pace.block()):
            if limit is not None and self.up + len(data) >= limit:
                data = data[:limit - self.up]
                self.up += len(data)
                yield data
                if reset:
                    raise Reset
                self.close_connection = True
                return
            self.up += len(data)
            pace.passed(len(data))
            yield data

    # --- one request ---

    def handle_request(self):
        self.up = self.down = self.status = 0
        self.link = self.whole = None
        if self.rules.wants_body(self.command, self.path):
            self.whole = b"".join(self.body(BLOCK))
        numbers, self.actions = self.rules.apply(
            self.command, self.path, self.whole or b"")
        try:
            time.sleep(self.actions.get("delay", 0))
            if "run" in self.actions:
                subprocess.run(self.actions["run"], check=False,
                               stdin=subprocess.DEVNULL)
            self.kill("before")
            if "status" in self.actions:
                self.answer_myself()
            else:
                self.serve()
        except Reset:
            if "cut_request" in self.actions:
                self.close_connection = True
                self.linger()
            else:
                self.reset()
        except (OSError, http.client.HTTPException, ValueError) as fault:
            self.close_connection = True
            if not self.status:
                self.bad_gateway(fault)
        finally:
            if self.link:
                self.link.close()
            scheme = self.headers.get("Authorization", "").split(" ")[0]
            self.log.write(method=self.command, path=self.path,
                           status=self.status, up=self.up, down=self.down,
                           auth=scheme or False, rules=numbers)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = \
        do_OPTIONS = handle_request

    def serve(self):
        if self.keeper and self.command == "GET" and \
                self.keeper.find(self.path):
            self.tell_kept(204)
            return
        reply = self.forward()
        self.kill("after")
        if "lose_answer" in self.actions:
            raise Reset
        if reply is None:
            self.tell_kept(416)
            self.linger()
        else:
            self.answer(reply)

    def kill(self, when):
        """What the action `kill` says is due at this moment."""
        if self.actions.get("kill") != when:
            return
        with open(self.actions["pidfile"]) as file:
            pid = int(file.read())
        name = self.actions.get("signal", "KILL")
        os.kill(pid, getattr(signal, "SIG" + name))
        if name == "KILL":
            raise Reset

    def forward(self):
        """Sends the request on and returns the upstream's answer."""
        kept = self.keeper and self.keeper.find(self.path)
        if kept and self.command == "PATCH":
            return self.forward_kept(kept)
        path = self.path
        if "drop_query" in self.actions:
            path = path.partition("?")[0]
        with self.lock:
            held = self.held.get(path.partition("?")[0])
        if held:
            path += ("&" if "?" in path else "?") + held
        if kept:
            digest = urllib.parse.urlsplit(path).query.rpartition("digest=")[2]
            path = kept.url + ("&digest=" + digest if digest else "")
        chunked = "Transfer-Encoding" in self.headers
        self.begin_forward(path, chunked, HOP | {"expect"})
        limit = self.actions.get("reset_request",
                                 self.actions.get("cut_request"))
        for data in self.counted_body(limit, True):
            if chunked:
                data = b"%x\r\n%s\r\n" % (len(data), data)
            self.link.send(data)
        if chunked:
            self.link.send(b"0\r\n\r\n")
        if limit is not None:
            raise Reset     # the body was shorter
        reply = self.link.getresponse()
        if self.keeper and self.command == "POST" and reply.status == 202:
            self.keeper.begun(reply.headers["Location"])
        if kept and reply.status < 300:
            self.keeper.ended(self.path)
        return reply

    def forward_kept(self, kept):
        """A PATCH: what came of it counts, however it ended."""
        start = self.headers.get("Content-Range", "0-").partition("-")[0]
        fault, before = None, self.up
        with kept.lock:
            if int(start) != kept.size:
                return None
            self.begin_forward(kept.url, True, HOP | {
                "expect", "content-length", "content-range"})
            try:
                for data in self.counted_body(
                        self.actions.get("reset_request"), True):
                    self.link.send(b"%x\r\n%s\r\n" % (len(data), data))
            except (Reset, OSError, ValueError) as why:
                fault = why
            self.link.send(b"0\r\n\r\n")
            reply = self.link.getresponse()
            if reply.status == 202:
                kept.moved(reply.headers["Location"], self.up - before)
        if fault:
            reply.read()
            raise Reset
        return reply

    def tell_kept(self, status):
        """How much there is of the upload that the request names."""
        kept = self.keeper.find(self.path)
        with kept.lock:
            size = kept.size
        if status == 416:
            self.close_connection = True    # its body is not read
        self.respond(status, {
            "Location": urllib.parse.urlsplit(self.path).path,
            "Range": "0-%d" % max(0, size - 1)}, b"")

    def begin_forward(self, path, chunked, without):
        """The head of the request that goes on."""
        host = self.upstream.netloc
        if self.upstream.scheme == "https":
            self.link = http.client.HTTPSConnection(
                host, context=self.upstream_tls, timeout=600)
        else:
            self.link = http.client.HTTPConnection(host, timeout=600)
        self.link.putrequest(self.command, path, skip_host=True,
                             skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in without:
                self.link.putheader(name, value)
        if chunked:
            self.link.putheader("Transfer-Encoding", "chunked")
        self.link.endheaders()

    def answer(self, reply):
        actions = self.actions
        time.sleep(actions.get("delay_response", 0))
        headers = [(name, value) for name, value in reply.getheaders()
                   if name.lower() not in HOP]
        self.status = reply.status
        self.send_response_only(reply.status, reply.reason)
        bodyless = self.command == "HEAD" or reply.status in (204, 304)
        chunked = not bodyless and reply.headers["Content-Length"] is None
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        for name, value in self.rewritten(headers):
            self.send_header(name, value)
        self.end_headers()
        if not bodyless:
            self.relay(reply, chunked)

    def rewritten(self, headers):
        gone = {name.lower() for name in self.actions.get("strip", [])}
        added = self.actions.get("set", {})
        gone |= {name.lower() for name in added}
        for name, value in headers:
            if name.lower() == "location" and "location" in self.actions:
                value = self.location(value, self.actions["location"])
            if name.lower() not in gone:
                yield name, value
        for name, values in added.items():
            for value in values if isinstance(values, list) else [values]:
                yield name, value

    def location(self, value, form):
        url = urllib.parse.urlsplit(value)
        host = url.netloc or self.headers.get("Host", "")
        if form == "bare":
            with self.lock:
                self.held[url.path] = url.query
            return urllib.parse.urlunsplit(tuple(url[:3]) + ("", ""))
        if form == "relative":
            return urllib.parse.urlunsplit(("", "") + tuple(url[2:]))
        if form == "http":
            return urllib.parse.urlunsplit(("http", host) + tuple(url[2:]))
        if form.startswith("host:"):
            host = form[5:]
        return urllib.parse.urlunsplit(("https", host) + tuple(url[2:]))

    def relay(self, reply, chunked):
        actions = self.actions
        pace = Pace(actions.get("rate"))
        limit = actions.get("reset_response", actions.get("cut"))
        while True:
            if limit is not None and self.down >= limit:
                if "reset_response" in actions:
                    raise Reset
                self.close_connection = True
                return
            data = reply.read1(pace.block())
            if not data:
                break
            if limit is not None:
                data = data[:limit - self.down]
            flip = actions.get("corrupt", -1) - self.down
            if 0 <= flip < len(data):
                data = data[:flip] + bytes([data[flip] ^ 1]) + data[flip + 1:]
            self.down += len(data)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data)
                             if chunked else data)
            pace.passed(len(data))
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    # --- answers of its own ---

    def answer_myself(self):
        actions = self.actions
        if actions.get("forward"):
            reply = self.forward()
            if reply:
                reply.read()
        else:
            limit = actions.get("after")
            if limit == 0:
                self.close_connection = bool(
                    self.headers.get("Content-Length", "0") != "0" or
                    self.headers.get("Transfer-Encoding"))
            else:
                for _ in self.counted_body(limit, False):
                    pass
        body = actions.get("body", "")
        if not isinstance(body, str):
            body = json.dumps(body)
        self.respond(actions["status"], actions.get("headers", {}),
                     body.encode())
        if self.close_connection:
            self.linger()

    def linger(self):
        """Lets the client read the answer while it still sends: closing
        with unread bytes would reset the connection."""
        end = time.monotonic() + 2
        self.connection.settimeout(0.5)
        try:
            while time.monotonic() < end and self.rfile.read1(BLOCK):
                pass
        except OSError:
            pass

    def bad_gateway(self, fault):
        try:
            self.respond(502, {}, ("fault proxy: %s" % fault).encode())
        except OSError:
            pass

    def respond(self, status, headers, body):
        self.status = status
        self.send_response_only(status)
        for name, values in headers.items():
            for value in values if isinstance(values, list) else [values]:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.down += len(body)
            self.wfile.write(body)

    def reset(self):
        """A TCP reset, not an orderly end, nor TLS's good-bye."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.server.forget(self.connection)

    def log_message(self, form, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    tls = None

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's own thread.
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True,
                                           suppress_ragged_eofs=True)
        try:
            self.RequestHandlerClass(request, client_address, self)
        finally:
            self.forget(request)

    @staticmethod
    def forget(request):
        """Closes without SSLSocket.unwrap, so that a reset stays one."""
        request.close()

    def shutdown_request(self, request):
        if self.tls:
            request.close()
        else:
            super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True, help="[ADDRESS:]PORT")
    parser.add_argument("--cert", help="none: plain HTTP")
    parser.add_argument("--key")
    parser.add_argument("--upstream", required=True, help="URL")
    parser.add_argument("--upstream-ca")
    parser.add_argument("--upstream-cert", help="client certificate")
    parser.add_argument("--upstream-key")
    parser.add_argument("--keeper", action="store_true",
                        help="keeps uploads that were cut off")
    parser.add_argument("--rules", required=True)
    parser.add_argument("--log", required=True)
    options = parser.parse_args()

    Handler.upstream = urllib.parse.urlsplit(options.upstream)
    if options.upstream_ca:
        tls = ssl.create_default_context(cafile=options.upstream_ca)
        if options.upstream_cert:
            tls.load_cert_chain(options.upstream_cert, options.upstream_key)
        Handler.upstream_tls = tls
    Handler.rules = Rules(options.rules)
    Handler.log = Log(options.log)
    Handler.keeper = Keeper() if options.keeper else None
    address, _, port = options.listen.rpartition(":")
    server = Server((address or "127.0.0.1", int(port)), Handler)
    if options.cert:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(options.cert, options.key)
    server.serve_forever()


if __name__ == "__main__":
    main()
