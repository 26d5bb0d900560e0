#!/usr/bin/python3
"""tokenserver: the token server of the source registry.

GET or POST /token with service, scope (several allowed) and Basic
credentials (POST: username and password in the form) answers a signed JWT
whose x5c header carries the certificate that the registry trusts.  Anonymous
callers may pull; the user in $TOKEN_AUTH (NAME:PASSWORD) may do anything;
other credentials get 401.  Each request is one JSON line in --log, without
credentials.

The control file (JSON, read anew for each request) may hold:
    expires_in    seconds a token lives (default 300).  The registry grants
                  60 s more, so for an expiry in mid-upload use the fault
                  proxy's 401
    omit          names of fields left out of the answer ("expires_in", ...)
    field         "token" (default), "access_token" or "both"
    anonymous     false: anonymous callers get 401
    status, body  answers this error to everybody
"""

import argparse
import base64
import hmac
import http.server
import json
import os
import ssl
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Signer:
    """Makes JWTs (ES256) with an x5c header."""

    def __init__(self, cert, key):
        with open(key, "rb") as file:
            self.key = serialization.load_pem_private_key(file.read(), None)
        with open(cert, "rb") as file:
            shown = x509.load_pem_x509_certificate(file.read())
        der = shown.public_bytes(serialization.Encoding.DER)
        self.header = {"typ": "JWT", "alg": "ES256",
                       "x5c": [base64.b64encode(der).decode()]}

    def sign(self, claims):
        text = b".".join(encode(json.dumps(part).encode())
                         for part in (self.header, claims))
        r, s = utils.decode_dss_signature(
            self.key.sign(text, ec.ECDSA(hashes.SHA256())))
        return (text + b"." + encode(r.to_bytes(32, "big") +
                                     s.to_bytes(32, "big"))).decode()


def access_of(scopes, allowed):
    """The access claim: of each scope what the caller may do."""
    access = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        granted = [action for action in actions.split(",")
                   if allowed is None or action in allowed]
        if name and granted:
            access.append({"type": kind, "name": name, "actions": granted})
    return access


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    signer = control = log_file = auth = None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        self.answer(url.path, urllib.parse.parse_qs(url.query), None)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        form = urllib.parse.parse_qs(self.rfile.read(length).decode())
        given = None
        if "username" in form:
            given = "%s:%s" % (form["username"][0],
                               form.get("password", [""])[0])
        self.answer(urllib.parse.urlsplit(self.path).path, form, given)

    def credentials(self):
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        return base64.b64decode(value).decode()

    def answer(self, path, query, given):
        try:
            with open(self.control) as file:
                control = json.load(file)
        except FileNotFoundError:
            control = {}
        given = given or self.credentials()
        scopes = " ".join(query.get("scope", [])).split()
        if path != "/token":
            status, body = 404, {}
        elif "status" in control:
            status, body = control["status"], control.get("body", {})
        elif given and not hmac.compare_digest(given, self.auth):
            status, body = 401, {"details": "incorrect username or password"}
        elif not given and not control.get("anonymous", True):
            status, body = 401, {"details": "credentials are required"}
        else:
            status, body = 200, self.token(query, scopes, given, control)
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        with open(self.log_file, "a") as file:
            file.write(json.dumps({
                "method": self.command, "status": status, "scope": scopes,
                "service": query.get("service", []),
                "auth": bool(given)}) + "\n")

    def token(self, query, scopes, given, control):
        lifetime = control.get("expires_in", 300)
        start = int(time.time())
        token = self.signer.sign({
            "iss": "token.test", "aud": query.get("service", [""])[0],
            "sub": given.partition(":")[0] if given else "",
            "iat": start, "nbf": start - 10, "exp": start + lifetime,
            "jti": base64.b16encode(os.urandom(8)).decode(),
            "access": access_of(scopes, None if given else {"pull"})})
        field = control.get("field", "token")
        body = {"expires_in": lifetime, "issued_at": time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(start))}
        for name in ("token", "access_token"):
            if field in (name, "both"):
                body[name] = token
        for name in control.get("omit", []):
            body.pop(name, None)
        return body

    def log_message(self, form, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--control", required=True)
    parser.add_argument("--log", required=True)
    options = parser.parse_args()

    Handler.signer = Signer(options.cert, options.key)
    Handler.auth = os.environ.pop("TOKEN_AUTH")
    Handler.control = options.control
    Handler.log_file = options.log
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.cert, options.key)
    server = Server(("127.0.0.1", options.port), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
