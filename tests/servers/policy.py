#!/usr/bin/python3
"""policy: stands in for a site's policy engine (Kyverno).

HTTPS on 127.0.0.1, behind a ValidatingWebhookConfiguration that a test
makes.  Refuses pods, and what makes pods, that have hostPath volumes, in the
words and with the status that Kyverno has; the kinds that it looks at are the
words of the control file, read anew for each request:

    Pod Deployment      any of these kinds with hostPath is refused
    ... all             also without hostPath
    ... fail            answers 500
"""

import argparse
import http.server
import json
import ssl

from kubeapi import log

BLOCKED = """

resource %s/%s/%s was blocked due to the following policies

disallow-host-path:
  %s: 'validation error: HostPath volumes are forbidden.
    The field spec.volumes[*].hostPath must be unset.'
"""


def review(request, words):
    """The response to an AdmissionReview."""
    thing = request["object"]
    spec = thing["spec"]
    rule = "host-path"
    if request["kind"]["kind"] != "Pod":
        spec, rule = spec["template"]["spec"], "autogen-host-path"
    bad = "all" in words or any(
        "hostPath" in volume for volume in spec.get("volumes", ()))
    answer = {"uid": request["uid"], "allowed": True}
    if bad and request["kind"]["kind"] in words:
        answer["allowed"] = False
        answer["status"] = {"code": 400, "message": BLOCKED % (
            request["kind"]["kind"], request.get("namespace"),
            thing["metadata"].get("name"), rule)}
    return answer


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    control = None

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(self.control) as control:
            words = control.read().split()
        if "fail" in words:
            self.send_error(500)
            return
        body["response"] = review(body.pop("request"), words)
        answer = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, form, *words):
        log(form % words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--control", required=True, help="the control file")
    options = parser.parse_args()

    Handler.control = options.control
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.cert, options.key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port),
                                             Handler)
    server.daemon_threads = True
    server.socket = tls.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
