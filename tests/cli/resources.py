#!/usr/bin/python3
"""resources: custom resources of DWS in the cluster of the tests.

    resources.py load FILE [--except KIND]...
        creates what the file holds, with status, and with the uids of owners
    resources.py dump [--version VERSION] [--owners]
        all that are there as JSON lines, one each, sorted, without what the
        server makes up; --version puts another apiVersion into each, --owners
        checks that each owner of DWS is there with that uid
    resources.py remove
        all, whatever holds them
    resources.py many NUMBER [NAMESPACE]
        so many Storages, with status; for measurements

Needs KUBE_SERVER and T, as tests/servers sets them.
"""

import argparse
import concurrent.futures
import json
import os
import sys

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(
    os.path.abspath(__file__)), "..", "servers"))
import kubeapi  # noqa: E402

GROUP = "dataworkflowservices.github.io"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MADE_UP = ("uid", "resourceVersion", "creationTimestamp", "generation",
           "managedFields", "selfLink")


def call(api, method, path, body=None, kind="application/json",
         fine=(200, 201, 202)):
    status, answer = api.call(method, path, body, kind)
    if status not in fine:
        sys.exit("resources: %s %s: %s %s" % (
            method, path, status, answer.get("message")))
    return answer


class Kinds:
    """The kinds of DWS that are there, read at their storage version."""

    def __init__(self, api):
        self.api = api
        self.crds = {}
        for crd in api.items(CRDS) or []:
            if crd["spec"]["group"] == GROUP:
                self.crds[crd["spec"]["names"]["kind"]] = crd

    def version(self, kind):
        for version in self.crds[kind]["spec"]["versions"]:
            if version["storage"]:
                return version
        raise KeyError(kind)

    def path(self, kind, namespace=None, name=None):
        return "/apis/%s/%s%s/%s%s" % (
            GROUP, self.version(kind)["name"],
            "/namespaces/" + namespace if namespace else "",
            self.crds[kind]["spec"]["names"]["plural"],
            "/" + name if name else "")

    def all(self, kind):
        answer = call(self.api, "GET", self.path(kind))
        for item in answer["items"]:
            item["kind"] = kind
            item["apiVersion"] = answer["apiVersion"]
        return answer["items"]


def set_owners(kinds, resource):
    meta = resource["metadata"]
    for owner in meta.get("ownerReferences", ()):
        if "uid" in owner:
            continue
        if owner["apiVersion"] == "v1":
            path = "/api/v1/namespaces/%s/%ss/%s" % (
                meta["namespace"], owner["kind"].lower(), owner["name"])
        else:
            path = kinds.path(owner["kind"], meta["namespace"], owner["name"])
        owner["uid"] = call(kinds.api, "GET", path)["metadata"]["uid"]


def create(kinds, resource):
    meta = resource["metadata"]
    kind = resource["kind"]
    if kind == "Namespace":
        call(kinds.api, "POST", "/api/v1/namespaces", resource,
             fine=(201, 409))
        return
    if kind == "ConfigMap":
        call(kinds.api, "POST", "/api/v1/namespaces/%s/configmaps" %
             meta["namespace"], resource, fine=(201, 409))
        return
    set_owners(kinds, resource)
    call(kinds.api, "POST", kinds.path(kind, meta["namespace"]), resource)
    if "status" in resource and "status" in (
            kinds.version(kind).get("subresources") or {}):
        call(kinds.api, "PATCH", kinds.path(
            kind, meta["namespace"], meta["name"]) + "/status",
            {"status": resource["status"]}, kubeapi.MERGE)


def load(kinds, options):
    with open(options.file) as text:
        for resource in yaml.safe_load_all(text):
            if resource["kind"] not in options.but:
                create(kinds, resource)


def bare(resource, version):
    meta = resource["metadata"]
    for name in MADE_UP:
        meta.pop(name, None)
    for owner in meta.get("ownerReferences", ()):
        del owner["uid"]
        if version and owner["apiVersion"].startswith(GROUP):
            owner["apiVersion"] = "%s/%s" % (GROUP, version)
    if version:
        resource["apiVersion"] = "%s/%s" % (GROUP, version)
    return json.dumps(resource, sort_keys=True)


def dump(kinds, options):
    resources = [r for kind in kinds.crds for r in kinds.all(kind)]
    uids = {(r["kind"], r["metadata"]["namespace"], r["metadata"]["name"]):
            r["metadata"]["uid"] for r in resources}
    for resource in resources:
        meta = resource["metadata"]
        for owner in meta.get("ownerReferences", ()):
            key = (owner["kind"], meta["namespace"], owner["name"])
            if options.owners and owner["apiVersion"].startswith(GROUP) and \
                    uids.get(key) != owner["uid"]:
                sys.exit("resources: the owner of %s is not %s" % (
                    meta["name"], key))
    print("\n".join(sorted(bare(r, options.version) for r in resources)))


def remove(kinds, _):
    for kind in kinds.crds:
        for resource in kinds.all(kind):
            meta = resource["metadata"]
            path = kinds.path(kind, meta["namespace"], meta["name"])
            if meta.get("finalizers"):
                call(kinds.api, "PATCH", path, {
                    "metadata": {"finalizers": None}}, kubeapi.MERGE,
                    fine=(200, 404))
            call(kinds.api, "DELETE", path, fine=(200, 404))


def storage(kinds, namespace, number):
    create(kinds, {
        "apiVersion": "%s/%s" % (GROUP, kinds.version("Storage")["name"]),
        "kind": "Storage",
        "metadata": {"name": "rabbit-%06d" % number, "namespace": namespace,
                     "labels": {"%s/storage" % GROUP: "Rabbit"}},
        "spec": {"state": "Enabled"},
        "status": {
            "type": "NVMe", "capacity": 37500000000000 + number,
            "status": "Ready", "access": {
                "protocol": "PCIe",
                "servers": [{"name": "rabbit-%d" % number,
                             "status": "Ready"}],
                "computes": [{"name": "nid%06d" % (number * 16 + i),
                              "status": "Ready"} for i in range(16)]},
            "devices": [{"model": "KIOXIA KCM71RJE1T92", "slot": str(i),
                         "serialNumber": "%06dS%02d" % (number, i),
                         "firmwareVersion": "1UET7104",
                         "capacity": 1920383410176, "wearLevel": i,
                         "status": "Ready"} for i in range(8)]}})


def many(kinds, options):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda n: storage(kinds, options.namespace, n),
                          range(options.number)):
            pass


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("load")
    one.add_argument("file")
    one.add_argument("--except", dest="but", action="append", default=[])
    one.set_defaults(run=load)
    one = commands.add_parser("dump")
    one.add_argument("--version")
    one.add_argument("--owners", action="store_true")
    one.set_defaults(run=dump)
    one = commands.add_parser("remove")
    one.set_defaults(run=remove)
    one = commands.add_parser("many")
    one.add_argument("number", type=int)
    one.add_argument("namespace", nargs="?", default="default")
    one.set_defaults(run=many)
    options = parser.parse_args()
    api = kubeapi.Api(os.environ["KUBE_SERVER"],
                      os.path.join(os.environ["T"], "pki"))
    options.run(Kinds(api), options)


if __name__ == "__main__":
    main()
