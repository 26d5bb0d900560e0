#!/usr/bin/python3
"""state.py: what a cluster holds, as lines that two states are compared by.

usage: state.py [--custom]

Prints a line for each field of each object, sorted: KIND NAMESPACE/NAME FIELD
VALUE. What an API server, its controllers or chance put there is left out or
said by what it means:

  uids of owners       "right", or "wrong" when no such object has it
  caBundle             "of Secret webhook-server-cert", or "stale"
  data of Secrets      their keys
  CRDs, roles          a digest of the spec or the rules
  status               of CRDs and custom resources; of Deployments who is ready

Records of revisions and backups are left out, as are objects that come and go
by themselves (Events, Pods, Endpoints, Leases but ours). A journal, a gate or
our Lease is shown: none belongs into a state of rest.

--custom prints only custom resources of DWS, with API versions left out.
Custom resources are read at the version that is stored.

Environment: KUBE_SERVER, and $T/pki with the administrator's certificate.
Exit: 0, or 1 when the cluster does not answer.
"""

import argparse
import hashlib
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))

import kubeapi  # noqa: E402  (found by the line above)

GROUP = "dataworkflowservices.github.io"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PASSING = {"Event", "Pod", "ReplicaSet", "Endpoints", "EndpointSlice", "ComponentStatus",
           "ControllerRevision", "APIService", "FlowSchema", "PriorityLevelConfiguration",
           "CertificateSigningRequest", "Node", "CSINode"}
SERVERS = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields",
           "selfLink", "deletionGracePeriodSeconds")


class State:
    def __init__(self, api):
        self.api = api
        self.lines = []
        self.uids = set()
        self.authority = None

    def items(self, path):
        status, answer = self.api.call("GET", path)
        if status != 200:
            # Served no longer: another one is on its way out.
            if status in (404, 405):
                return []
            raise SystemExit(f"state.py: {path}: {status} {answer.get('message')}")
        return answer["items"]

    def lists(self):
        """(path, apiVersion, kind) of everything that can be listed, but of DWS."""
        status, groups = self.api.call("GET", "/apis")
        if status != 200:
            raise SystemExit(f"state.py: no discovery: {status}")
        versions = [("/api/v1", "v1")]
        versions += [("/apis/" + group["preferredVersion"]["groupVersion"],
                      group["preferredVersion"]["groupVersion"])
                     for group in groups["groups"] if group["name"] != GROUP]
        for base, name in versions:
            status, found = self.api.call("GET", base)
            for resource in found.get("resources", []) if status == 200 else []:
                if "list" in resource["verbs"] and "/" not in resource["name"]:
                    yield f"{base}/{resource['name']}", name, resource["kind"]

    def custom(self):
        """Custom resources of DWS as they are stored."""
        for crd in self.items(CRDS):
            spec = crd["spec"]
            if spec["group"] != GROUP:
                continue
            stored = next(v["name"] for v in spec["versions"] if v["storage"])
            for item in self.items(f"/apis/{GROUP}/{stored}/{spec['names']['plural']}"):
                yield dict(item, kind=spec["names"]["kind"], apiVersion=f"{GROUP}/{stored}")

    def collect(self, only_custom):
        objects = list(self.custom())
        # Also those that are not told may be owners.
        for path, version, kind in self.lists():
            if kind not in PASSING:
                objects += [dict(item, kind=kind, apiVersion=version)
                            for item in self.items(path)]
        self.uids = {item["metadata"]["uid"] for item in objects}
        for item in objects:
            if item["kind"] == "Secret" and item["metadata"]["name"] == "webhook-server-cert":
                self.authority = item.get("data", {}).get("ca.crt")
        seen = set()
        for item in objects:
            meta = item["metadata"]
            name = f"{item['kind']} {meta.get('namespace', '-')}/{meta['name']}"
            # Ingresses and the like are in two groups.
            if name in seen or self.passes(item) or (
                    only_custom and not item["apiVersion"].startswith(GROUP)):
                continue
            seen.add(name)
            item = self.plain(item)
            if only_custom:
                del item["apiVersion"]
                for owner in item["metadata"].get("ownerReferences", []):
                    del owner["apiVersion"]
            self.tell(name, "", item)

    @staticmethod
    def passes(item):
        """Whether it comes and goes by itself, or is none of this state's."""
        kind, meta = item["kind"], item["metadata"]
        name = meta["name"]
        if kind == "Lease":
            return name != "dws-csm"
        if kind == "Secret":
            return item.get("type") == "kubernetes.io/service-account-token" or \
                name.startswith(("dws-csm.release.", "dws-csm.backup."))
        return False

    def plain(self, item):
        """The object without what the server made of it."""
        kind = item["kind"]
        meta = {key: value for key, value in item["metadata"].items() if key not in SERVERS}
        marks = meta.get("annotations", {})
        marks.pop("deployment.kubernetes.io/revision", None)
        marks.pop("kubectl.kubernetes.io/last-applied-configuration", None)
        if not marks:
            meta.pop("annotations", None)
        for owner in meta.get("ownerReferences", []):
            owner["uid"] = "right" if owner["uid"] in self.uids else "wrong"
        item = dict(item, metadata=meta)
        status = item.get("status")
        if kind == "CustomResourceDefinition":
            self.bundles([item["spec"].get("conversion", {}).get("webhook", {})])
            item["spec"] = digest(item["spec"])
            item["status"] = status["storedVersions"]
        elif kind.endswith("WebhookConfiguration"):
            self.bundles(item["webhooks"])
        elif kind == "Deployment":
            item["status"] = {key: status.get(key) for key in ("replicas", "readyReplicas")}
        elif kind == "Secret":
            item["data"] = sorted(item.get("data", {}))
        elif kind == "Service":
            for key in ("clusterIP", "clusterIPs", "healthCheckNodePort"):
                item["spec"].pop(key, None)
            for port in item["spec"]["ports"]:
                port.pop("nodePort", None)
        elif kind == "ServiceAccount":
            item.pop("secrets", None)
        elif kind in ("ClusterRole", "Role"):
            item["rules"] = digest(item.get("rules"))
        elif not item["apiVersion"].startswith(GROUP) and kind != "Namespace":
            item.pop("status", None)
        if kind == "ConfigMap":
            item["data"] = digest(item.get("data"))
        return item

    def bundles(self, hooks):
        for hook in hooks:
            client = hook.get("clientConfig", {})
            if "caBundle" in client:
                right = client["caBundle"] == self.authority
                client["caBundle"] = "of Secret webhook-server-cert" if right else "stale"

    def tell(self, name, path, value):
        if isinstance(value, dict) and value:
            for key, below in value.items():
                self.tell(name, f"{path}.{key}", below)
        elif isinstance(value, list) and value:
            for at, below in enumerate(value):
                self.tell(name, f"{path}[{at}]", below)
        elif path not in (".kind", ".metadata.name", ".metadata.namespace"):
            self.lines.append(f"{name} {path} {json.dumps(value)}")


def digest(value):
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--custom", action="store_true")
    options = parser.parse_args()
    state = State(kubeapi.Api(os.environ["KUBE_SERVER"], os.path.join(os.environ["T"], "pki")))
    state.collect(options.custom)
    print("\n".join(sorted(state.lines)))


if __name__ == "__main__":
    main()
