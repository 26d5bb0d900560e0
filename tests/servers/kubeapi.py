"""kubeapi: as little of a Kubernetes client as the stand-ins need.

Api speaks JSON with the server as the administrator; Watcher tells when
anything changed, so that a stand-in may look at everything again
(level-triggered, like a controller).
"""

import http.client
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def parsed(text):
    """A kind that is not served yet is answered with a line of plain text."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


class Api:
    """One server; usable from several threads (a connection for each)."""

    def __init__(self, server, pki):
        self.address = urllib.parse.urlsplit(server).netloc
        self.tls = ssl.create_default_context(
            cafile=os.path.join(pki, "ca.crt"))
        self.tls.load_cert_chain(os.path.join(pki, "admin.crt"),
                                 os.path.join(pki, "admin.key"))
        self.local = threading.local()

    def connect(self, timeout):
        return http.client.HTTPSConnection(self.address, context=self.tls,
                                           timeout=timeout)

    def call(self, method, path, body=None, kind="application/json"):
        """Status and parsed answer; a broken connection is made anew once."""
        data = None if body is None else json.dumps(body).encode()
        for last in (False, True):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = self.connect(10)
            try:
                connection.request(method, path, data, {
                    "Content-Type": kind, "Accept": "application/json"})
                answer = connection.getresponse()
                return answer.status, parsed(answer.read())
            except (OSError, http.client.HTTPException):
                connection.close()
                self.local.connection = None
                if last:
                    return 0, {}

    def items(self, path):
        """The list at this path, or None when it cannot be had."""
        status, answer = self.call("GET", path)
        return answer.get("items") if status == 200 else None

    def watch(self, path):
        """Yields after a list and then at each change, for ever."""
        while True:
            connection = self.connect(300)
            try:
                status, listed = self.call("GET", path)
                if status != 200:
                    raise OSError
                yield
                mark = "&" if "?" in path else "?"
                connection.request("GET", "%s%swatch=1&resourceVersion=%s" % (
                    path, mark, listed["metadata"]["resourceVersion"]))
                answer = connection.getresponse()
                while answer.status == 200 and answer.readline():
                    yield
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            yield
            time.sleep(0.5)


class Watcher:
    """An event that each change of the given lists sets."""

    def __init__(self, api, *paths):
        self.event = threading.Event()
        for path in paths:
            threading.Thread(target=self._follow, args=(api, path),
                             daemon=True).start()

    def _follow(self, api, path):
        for _ in api.watch(path):
            self.event.set()

    def wait(self, seconds):
        """True at a change, False after so many seconds without."""
        changed = self.event.wait(seconds)
        self.event.clear()
        return changed


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def log(*words):
    print(now(), *words, file=sys.stderr, flush=True)
