#!/usr/bin/python3
"""resources.py: creates custom resources, whole.

usage: resources.py FILE...

A file holds YAML documents. Each is created with its status, which is written
through the status subresource where there is one, and with its owners' uids:
those of the objects that stand by that name, so an owner comes before what it
owns. An object that is there already stays.

Environment: KUBE_SERVER, and $T/pki with the administrator's certificate.
Exit: 0, or 1 with what the API server says.
"""

import os
import pathlib
import sys
import time

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))

import kubeapi  # noqa: E402  (found by the line above)


class Creator:
    def __init__(self, api):
        self.api = api
        self.plurals = {}

    def call(self, method, path, body=None):
        """The answer; a server whose webhook or CRD is new is asked again."""
        end = time.monotonic() + 20
        while True:
            status, answer = self.api.call(method, path, body)
            if status in (200, 201, 409):
                return status, answer
            if status in (400, 403, 422) or time.monotonic() > end:
                raise SystemExit(f"{method} {path}: {status} {answer.get('message')}")
            time.sleep(0.2)

    def resource(self, api_version, kind):
        """(plural, whether it has a status subresource)."""
        if (api_version, kind) not in self.plurals:
            _, found = self.call("GET", "/apis/" + api_version)
            names = [item["name"] for item in found["resources"]]
            for item in found["resources"]:
                if "/" not in item["name"]:
                    self.plurals[api_version, item["kind"]] = (
                        item["name"], item["name"] + "/status" in names)
        return self.plurals[api_version, kind]

    def path(self, api_version, kind, namespace):
        plural, has_status = self.resource(api_version, kind)
        return f"/apis/{api_version}/namespaces/{namespace}/{plural}", has_status

    def create(self, item):
        meta = item["metadata"]
        namespace = meta.setdefault("namespace", "default")
        for owner in meta.get("ownerReferences", []):
            path, _ = self.path(owner["apiVersion"], owner["kind"], namespace)
            _, found = self.call("GET", f"{path}/{owner['name']}")
            owner["uid"] = found["metadata"]["uid"]
        path, has_status = self.path(item["apiVersion"], item["kind"], namespace)
        status, made = self.call("POST", path, item)
        if status == 201 and has_status and "status" in item:
            made["status"] = item["status"]
            self.call("PUT", f"{path}/{meta['name']}/status", made)


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    creator = Creator(kubeapi.Api(os.environ["KUBE_SERVER"], os.path.join(os.environ["T"], "pki")))
    for path in sys.argv[1:]:
        with open(path) as file:
            for item in yaml.safe_load_all(file):
                if item:
                    creator.create(item)


if __name__ == "__main__":
    main()
