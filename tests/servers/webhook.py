#!/usr/bin/python3
"""webhook: answers behind dws-webhook-service where no real pod runs.

HTTPS on port 9443 of each stand-in node, with the serving certificate out of
Secret dws-system/webhook-server-cert, as the webhook's pods mount it: it
listens once the Secret is there, follows its changes, and stops listening
when it is gone.  The API server gets here by the Endpoints that the stand-in
pods' addresses make.

Allows every AdmissionReview (a mutating one without a patch); answers a
ConversionReview with the objects at the desired apiVersion.  The control
file, read anew for each request, may hold one word and a text:

    deny MESSAGE      refuses admission with this message
    fail              answers 500
    slow SECONDS      answers as usual, so much later
"""

import argparse
import base64
import http.server
import json
import os
import ssl
import tempfile
import threading
import time

import kubeapi
from kubeapi import log

PORT = 9443


def control_word(path):
    try:
        with open(path) as control:
            word, _, text = control.read().strip().partition(" ")
            return word, text
    except FileNotFoundError:
        return "", ""


def review(body, word, text):
    """The answer to an AdmissionReview or a ConversionReview."""
    request = body["request"]
    answer = {"uid": request["uid"]}
    if body["kind"] == "ConversionReview":
        for item in request["objects"]:
            item["apiVersion"] = request["desiredAPIVersion"]
        answer["convertedObjects"] = request["objects"]
        answer["result"] = {"status": "Success"}
    else:
        answer["allowed"] = word != "deny"
        if word == "deny":
            answer["status"] = {"message": text, "code": 403}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"],
            "response": answer}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    control = None

    def do_POST(self):
        word, text = control_word(self.control)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if word == "slow":
            time.sleep(float(text))
        if word == "fail":
            self.send_error(500)
            return
        answer = json.dumps(review(json.loads(body), word, text)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, form, *words):
        log(self.client_address[0], form % words)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        log(client_address[0], "connection ended")


class Webhook:
    """The listening servers and the certificate that they show."""

    def __init__(self, addresses):
        self.addresses = addresses
        self.servers = []
        self.tls = None
        self.shown = None

    def show(self, certificate, key):
        if (certificate, key) == self.shown:
            return
        if self.tls is None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:     # 0600
            file.write(certificate + b"\n" + key)
            file.flush()
            self.tls.load_cert_chain(file.name)
        self.shown = (certificate, key)
        log("certificate taken")
        if self.servers:
            return
        for address in self.addresses:
            server = Server((address, PORT), Handler)
            server.socket = self.tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=server.serve_forever, args=(0.1,),
                             daemon=True).start()
            self.servers.append(server)
        log("listening on", *self.addresses)

    def hide(self):
        if self.servers:
            log("certificate gone, not listening")
        for server in self.servers:
            server.shutdown()
            server.server_close()
        self.servers, self.tls, self.shown = [], None, None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", default=os.environ.get("KUBE_SERVER"))
    parser.add_argument("--pki", required=True, help="ca.crt, admin.crt, ...")
    parser.add_argument("--secret", default="dws-system/webhook-server-cert")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--control", required=True, help="the control file")
    options = parser.parse_args()

    api = kubeapi.Api(options.server, options.pki)
    namespace, name = options.secret.split("/")
    secrets = "/api/v1/namespaces/%s/secrets" % namespace
    watcher = kubeapi.Watcher(
        api, secrets + "?fieldSelector=metadata.name%3D" + name)
    Handler.control = options.control
    webhook = Webhook(["192.0.2.%d" % (10 + n) for n in range(options.nodes)])
    while True:
        status, secret = api.call("GET", secrets + "/" + name)
        if status == 200:
            data = secret.get("data", {})
            try:
                webhook.show(base64.b64decode(data["tls.crt"]),
                             base64.b64decode(data["tls.key"]))
            except (KeyError, ValueError, ssl.SSLError) as fault:
                log("the Secret holds no certificate:", repr(fault))
        elif status == 404:
            webhook.hide()
        watcher.wait(5)


if __name__ == "__main__":
    main()
