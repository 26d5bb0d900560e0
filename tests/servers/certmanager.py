#!/usr/bin/python3
"""certmanager: stands in for cert-manager in the tests that ask for it.

It is not cert-manager.  It installs CRDs Certificate and Issuer of group
cert-manager.io at the given versions (v1alpha2,v1alpha3 as in CSM 1.2; v1 as
in CSM 1.6), issues the Secret of each Certificate (self-signed), sets its
Ready condition, and injects the CA into the webhook configurations and CRDs
annotated cert-manager.io/inject-ca-from.  It never converts between versions
and checks no field.  --crds-only installs the CRDs and ends.
"""

import argparse
import base64
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import kubeapi
from kubeapi import MERGE, log, now

GROUP = "cert-manager.io"
INJECT = GROUP + "/inject-ca-from"
ADMISSION = "/apis/admissionregistration.k8s.io/v1/"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(plural, kind, versions):
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {
        "spec": anything, "status": anything}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "%s.%s" % (plural, GROUP)},
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(),
                      "kind": kind, "listKind": kind + "List"},
            "versions": [{
                "name": version, "served": True,
                "storage": version == versions[-1],
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema}}
                for version in versions]}}


def issue(names):
    """A self-signed certificate for these DNS names, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    start = datetime.datetime.utcnow() - datetime.timedelta(minutes=1)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName(
            [x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256()))
    return (certificate.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(serialization.Encoding.PEM,
                              serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption()))


class CertManager:
    def __init__(self, api, versions):
        self.api = api
        self.base = "/apis/%s/%s" % (GROUP, versions[-1])

    def sync(self):
        for certificate in self.api.items(self.base + "/certificates") or []:
            if "deletionTimestamp" not in certificate["metadata"]:
                self.satisfy(certificate)
        for path in (ADMISSION + "mutatingwebhookconfigurations",
                     ADMISSION + "validatingwebhookconfigurations", CRDS):
            for item in self.api.items(path) or []:
                self.inject(path, item)

    def satisfy(self, certificate):
        """Makes the Secret unless it is there; then says Ready."""
        meta, spec = certificate["metadata"], certificate["spec"]
        home = "/api/v1/namespaces/%s/secrets" % meta["namespace"]
        status, _ = self.api.call("GET", home + "/" + spec["secretName"])
        if status == 404:
            text, key = (base64.b64encode(pem).decode()
                         for pem in issue(spec["dnsNames"]))
            status, _ = self.api.call("POST", home, {
                "apiVersion": "v1", "kind": "Secret",
                "type": "kubernetes.io/tls",
                "metadata": {"name": spec["secretName"], "annotations": {
                    GROUP + "/certificate-name": meta["name"],
                    GROUP + "/issuer-name": spec["issuerRef"]["name"]}},
                "data": {"ca.crt": text, "tls.crt": text, "tls.key": key}})
            log("issued", meta["namespace"], spec["secretName"], status)
        told = certificate.get("status", {}).get("conditions", [])
        if not any(condition["type"] == "Ready" for condition in told):
            self.api.call(
                "PATCH", "%s/namespaces/%s/certificates/%s/status" % (
                    self.base, meta["namespace"], meta["name"]),
                {"status": {"conditions": [{
                    "type": "Ready", "status": "True", "reason": "Ready",
                    "message": "Certificate is up to date",
                    "lastTransitionTime": now()}]}}, MERGE)

    def authority(self, item):
        """The CA that this object's annotation asks for, in base64."""
        wanted = item["metadata"].get("annotations", {}).get(INJECT, "")
        namespace, _, name = wanted.partition("/")
        if not name:
            return None
        status, certificate = self.api.call(
            "GET", "%s/namespaces/%s/certificates/%s" % (
                self.base, namespace, name))
        if status != 200:
            return None
        status, secret = self.api.call(
            "GET", "/api/v1/namespaces/%s/secrets/%s" % (
                namespace, certificate["spec"]["secretName"]))
        return secret["data"].get("ca.crt") if status == 200 else None

    def inject(self, path, item):
        bundle = self.authority(item)
        if not bundle:
            return
        if path == CRDS:
            clients = [item["spec"].get("conversion", {}).get(
                "webhook", {}).get("clientConfig", {})]
            clients = [client for client in clients if client]
        else:
            clients = [hook["clientConfig"]
                       for hook in item.get("webhooks", [])]
        stale = [client for client in clients
                 if client.get("caBundle") != bundle]
        for client in stale:
            client["caBundle"] = bundle
        if stale:
            name = item["metadata"]["name"]
            status, _ = self.api.call("PUT", path + "/" + name, item)
            log("injected into", name, status)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", default=os.environ.get("KUBE_SERVER"))
    parser.add_argument("--pki", required=True, help="ca.crt, admin.crt, ...")
    parser.add_argument("--versions", default="v1", help="last one is stored")
    parser.add_argument("--crds-only", action="store_true")
    options = parser.parse_args()

    api = kubeapi.Api(options.server, options.pki)
    versions = options.versions.split(",")
    for plural, kind in (("certificates", "Certificate"),
                         ("issuers", "Issuer")):
        status, answer = api.call("POST", CRDS,
                                  definition(plural, kind, versions))
        if status not in (201, 409):
            raise SystemExit("certmanager: CRD %s: %s" % (
                plural, answer.get("message")))
    if options.crds_only:
        return
    manager = CertManager(api, versions)
    watcher = kubeapi.Watcher(
        api, manager.base + "/certificates", CRDS, "/api/v1/secrets",
        ADMISSION + "mutatingwebhookconfigurations",
        ADMISSION + "validatingwebhookconfigurations")
    while True:
        manager.sync()
        watcher.wait(5)


if __name__ == "__main__":
    main()
