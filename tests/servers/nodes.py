#!/usr/bin/python3
"""nodes: stands in for the kubelets where no real node runs.

Registers N nodes (node-0 at 192.0.2.10 and so on), does to the status of
each pod that the real scheduler bound to them what a kubelet does, confirms
deletions, answers `kubectl logs` on port 10250, and posts a kubelet's events.

How a pod fares says the control file, read anew each time; first match wins:

    PATTERN MODE      PATTERN is a shell pattern over NAMESPACE/POD or over
                      the image of any of its containers

    ready             Running and Ready, whether the image exists or not
    pending           stays ContainerCreating
    slow:SECONDS      ready after so long
    notready          Running, its readiness probe fails
    imagepull         ErrImagePull, then ImagePullBackOff
    crashloop         CrashLoopBackOff, exit code 1, with log lines
    done, fails       ends, as the pod of a Job: exit code 0 or 1

A pod waits in ContainerCreating while a Secret or ConfigMap that it mounts
is missing.  With --registry every image of that host is looked up there
(HEAD of its manifest): a missing one fares as imagepull, a present one shows
its digest in imageID.  Without a matching line a pod gets ready if its images
are there.  A change of mode takes effect on running pods.
"""

import argparse
import base64
import fnmatch
import hashlib
import http.client
import http.server
import os
import ssl
import sys
import threading
import time
import urllib.parse

import kubeapi
from kubeapi import STRATEGIC, log, now

ACCEPT = ", ".join((
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json"))
DEFAULT = "default"
CRASH_LOG = "manager: starting\nmanager: cannot read the configuration\n"
READY_LOG = "manager: starting\nmanager: serving\n"


class Registry:
    """Looks images up, as the node's container runtime would."""

    def __init__(self, host, ca, auth):
        self.host = host
        self.tls = ssl.create_default_context(cafile=ca) if ca else None
        self.headers = {"Accept": ACCEPT}
        if auth:
            self.headers["Authorization"] = "Basic " + base64.b64encode(
                auth.encode()).decode()
        self.known = {}

    def lookup(self, image):
        """(digest, None) or (None, the runtime's complaint)."""
        made, answer = self.known.get(image, (0, None))
        if answer and (answer[0] or time.monotonic() - made < 2):
            return answer
        answer = self._ask(image)
        self.known[image] = (time.monotonic(), answer)
        return answer

    def _ask(self, image):
        if not self.host or not image.startswith(self.host + "/"):
            return "sha256:" + hashlib.sha256(image.encode()).hexdigest(), None
        name, mark, wanted = image[len(self.host) + 1:].partition("@")
        name, _, tag = name.partition(":")
        try:
            link = http.client.HTTPSConnection(self.host, context=self.tls,
                                               timeout=5)
            link.request("HEAD", "/v2/%s/manifests/%s" % (
                name, wanted if mark else tag or "latest"),
                headers=self.headers)
            reply = link.getresponse()
            link.close()
        except OSError as fault:
            return None, "failed to do request: %s" % fault
        if reply.status == 200:
            return reply.headers["Docker-Content-Digest"], None
        if reply.status == 404:
            return None, "%s: not found" % image
        return None, "unexpected status code: %d %s" % (
            reply.status, reply.reason)


def read_modes(path):
    """The control file's (pattern, mode) pairs."""
    try:
        with open(path) as lines:
            pairs = [line.split("#")[0].split() for line in lines]
    except FileNotFoundError:
        return []
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]


def modified(path):
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return None


def mode_of(pod, modes):
    names = [container["image"] for container in pod["spec"]["containers"]]
    names.append("%(namespace)s/%(name)s" % pod["metadata"])
    for pattern, mode in modes:
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            return mode
    return DEFAULT


def reference(pod):
    meta = pod["metadata"]
    return {"apiVersion": "v1", "kind": "Pod", "namespace": meta["namespace"],
            "name": meta["name"], "uid": meta["uid"]}


class Kubelets:
    def __init__(self, api, registry, count, control):
        self.api = api
        self.registry = registry
        self.nodes = {"node-%d" % n: "192.0.2.%d" % (10 + n)
                      for n in range(count)}
        self.control = control
        self.seen = {}      # pod uid -> its record, see follow()

    # --- nodes ---

    def register(self):
        for name, address in self.nodes.items():
            self.api.call("POST", "/api/v1/nodes", {
                "apiVersion": "v1", "kind": "Node", "metadata": {
                    "name": name, "labels": {
                        "kubernetes.io/hostname": name,
                        "kubernetes.io/os": "linux",
                        "kubernetes.io/arch": "amd64"}}})
            # The API server taints each new node until its lifecycle
            # controller, which does not run here, finds it ready.
            self.api.call("PATCH", "/api/v1/nodes/" + name,
                          {"spec": {"taints": None}}, kubeapi.MERGE)
            self.api.call("PATCH", "/api/v1/nodes/%s/status" % name,
                          {"status": self.node_status(name, address)},
                          STRATEGIC)
            log("node", name, "at", address)

    @staticmethod
    def node_status(name, address):
        room = {"cpu": "8", "memory": "16Gi", "pods": "110",
                "ephemeral-storage": "100Gi"}
        return {
            "capacity": room, "allocatable": room,
            "addresses": [{"type": "InternalIP", "address": address},
                          {"type": "Hostname", "address": name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "architecture": "amd64", "bootID": "0", "machineID": "0",
                "systemUUID": "0", "operatingSystem": "linux",
                "osImage": "stand-in", "kernelVersion": "0",
                "containerRuntimeVersion": "stand-in://0",
                "kubeletVersion": "v1.20.2", "kubeProxyVersion": "v1.20.2"},
            "conditions": [{
                "type": kind, "status": status, "reason": "StandIn",
                "message": "no kubelet runs here", "lastTransitionTime": now(),
                "lastHeartbeatTime": now()} for kind, status in (
                    ("MemoryPressure", "False"), ("DiskPressure", "False"),
                    ("PIDPressure", "False"), ("Ready", "True"))]}

    # --- pods ---

    def sync(self):
        """Looks at every pod once; returns the seconds until the next look."""
        pods = self.api.items("/api/v1/pods")
        if pods is None:
            return 1
        modes = read_modes(self.control)
        pause = 5
        present = set()
        for pod in pods:
            if pod["spec"].get("nodeName") not in self.nodes:
                continue
            present.add(pod["metadata"]["uid"])
            if "deletionTimestamp" in pod["metadata"]:
                self.confirm_deletion(pod)
            else:
                pause = min(pause, self.follow(pod, modes))
        for gone in set(self.seen) - present:
            del self.seen[gone]
        return pause

    def path(self, pod):
        return "/api/v1/namespaces/%(namespace)s/pods/%(name)s" \
            % pod["metadata"]

    def confirm_deletion(self, pod):
        self.api.call("DELETE", self.path(pod), {
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": pod["metadata"]["uid"]}})

    def follow(self, pod, modes):
        """Brings one pod on; returns when to look at it again."""
        record = self.seen.setdefault(pod["metadata"]["uid"], {
            "since": time.monotonic(), "state": None, "start": now(),
            "restarts": 0, "next": 0})
        age = time.monotonic() - record["since"]
        mode, _, seconds = mode_of(pod, modes).partition(":")
        pause, why, digests = 5, "", {}
        state = "ready" if mode == DEFAULT else mode

        missing = self.missing_volume(pod)
        if missing:
            state, why, pause = "creating", missing, 0.3
        elif mode == "slow":
            state = "ready" if age >= float(seconds) else "creating"
            pause = 0.1
        elif mode == "pending":
            state = "creating"
        if state in ("ready", "notready", "crashloop", "done", "fails"):
            digests, complaint = self.pull(pod)
            if complaint and mode == DEFAULT:
                state, why = "imagepull", complaint
        if state == "imagepull":
            pause = 1
            if record["state"] == "backoff":
                state = "backoff"
            elif record["state"] != "imagepull":
                record["next"] = time.monotonic() + 0.8
            elif time.monotonic() >= record["next"]:
                state = "backoff"
        if state == "crashloop":
            pause = 1
            if record["state"] and record["state"].startswith("crashloop") \
                    and time.monotonic() < record["next"]:
                return pause
            record["restarts"] += 1
            record["next"] = time.monotonic() + 2 ** record["restarts"]
            state = "crashloop%d" % record["restarts"]
        if state != record["state"]:
            self.set_status(pod, record, state, why, digests)
        return pause

    def missing_volume(self, pod):
        for volume in pod["spec"].get("volumes", []):
            for field, key, plural in (
                    ("secret", "secretName", "secrets"),
                    ("configMap", "name", "configmaps")):
                source = volume.get(field)
                if not source or source.get("optional"):
                    continue
                status, _ = self.api.call(
                    "GET", "/api/v1/namespaces/%s/%s/%s" % (
                        pod["metadata"]["namespace"], plural, source[key]))
                if status == 404:
                    return 'MountVolume.SetUp failed for volume "%s" : ' \
                        '%s "%s" not found' % (
                            volume["name"], field.lower(), source[key])
        return None

    def pull(self, pod):
        """The images' digests, and the first complaint about one."""
        digests, first = {}, None
        for container in pod["spec"]["containers"]:
            digest, complaint = self.registry.lookup(container["image"])
            first = first or complaint
            digests[container["image"]] = digest or "sha256:" + "0" * 64
        return digests, first

    def set_status(self, pod, record, state, why, digests):
        meta, spec = pod["metadata"], pod["spec"]
        running = state in ("ready", "notready") or state[:5] == "crash"
        ready = state == "ready"
        address = self.nodes[spec["nodeName"]]
        statuses = [self.container(container, record, state, why, digests)
                    for container in spec["containers"]]
        not_ready = {} if ready else {
            "reason": "ContainersNotReady",
            "message": "containers with unready status: [%s]" % " ".join(
                container["name"] for container in spec["containers"])}
        conditions = [dict({"type": kind, "status": str(value),
                            "lastTransitionTime": now()}, **extra)
                      for kind, value, extra in (
                          ("Initialized", True, {}),
                          ("Ready", ready, not_ready),
                          ("ContainersReady", ready, not_ready),
                          ("PodScheduled", True, {}))]
        for condition in conditions:
            for field in ("reason", "message"):
                condition.setdefault(field, None)
        phase = {"done": "Succeeded", "fails": "Failed"}.get(
            state, "Running" if running else "Pending")
        status = {"phase": phase,
                  "startTime": record["start"], "hostIP": address,
                  "conditions": conditions, "containerStatuses": statuses}
        if running:
            status["podIP"] = address
            status["podIPs"] = [{"ip": address}]
        code, answer = self.api.call("PATCH", self.path(pod) + "/status",
                                     {"status": status}, STRATEGIC)
        if code != 200:
            log("pod", meta["name"], "status:", code, answer.get("message"))
            return
        log("pod %s/%s: %s %s" % (meta["namespace"], meta["name"], state, why))
        first = spec["containers"][0]
        record["state"] = state
        for kind, reason, message in self.events(first, state, why):
            self.post_event(pod, kind, reason, message)

    @staticmethod
    def container(container, record, state, why, digests):
        name, image = container["name"], container["image"]
        answer = {"name": name, "image": image, "imageID": "",
                  "ready": state == "ready", "restartCount": 0,
                  "started": False, "lastState": {}}
        made = hashlib.sha256((name + record["start"]).encode()).hexdigest()
        waiting = {
            "creating": ("ContainerCreating", None),
            "imagepull": ("ErrImagePull", pull_message(image, why)),
            "backoff": ("ImagePullBackOff",
                        'Back-off pulling image "%s"' % image)}.get(state)
        if waiting:
            answer["state"] = {"waiting": {"reason": waiting[0],
                                           "message": waiting[1]}}
            return answer
        repository = image.partition("@")[0]
        head, colon, tag = repository.rpartition(":")
        if colon and "/" not in tag:
            repository = head
        answer["imageID"] = "%s@%s" % (repository, digests.get(image, ""))
        answer["containerID"] = "containerd://" + made
        if state in ("done", "fails"):
            answer["state"] = {"terminated": {
                "exitCode": int(state == "fails"), "startedAt": now(),
                "finishedAt": now(), "reason":
                "Error" if state == "fails" else "Completed",
                "containerID": "containerd://" + made}}
        elif state.startswith("crashloop"):
            answer["restartCount"] = record["restarts"]
            answer["state"] = {"waiting": {
                "reason": "CrashLoopBackOff",
                "message": "back-off 10s restarting failed container=" + name}}
            answer["lastState"] = {"terminated": {
                "exitCode": 1, "reason": "Error", "startedAt": now(),
                "finishedAt": now(), "containerID": "containerd://" + made}}
        else:
            answer["started"] = True
            answer["state"] = {"running": {"startedAt": now()}}
        return answer

    @staticmethod
    def events(container, state, why):
        image, name = container["image"], container["name"]
        if state == "creating" and why:
            return [("Warning", "FailedMount", why)]
        if state == "imagepull":
            return [("Normal", "Pulling", 'Pulling image "%s"' % image),
                    ("Warning", "Failed", pull_message(image, why)),
                    ("Warning", "Failed", "Error: ErrImagePull")]
        if state == "backoff":
            return [("Normal", "BackOff",
                     'Back-off pulling image "%s"' % image),
                    ("Warning", "Failed", "Error: ImagePullBackOff")]
        if state.startswith("crashloop"):
            return [("Warning", "BackOff",
                     "Back-off restarting failed container")]
        if state == "notready":
            return [("Warning", "Unhealthy", "Readiness probe failed: "
                     "HTTP probe failed with statuscode: 500")]
        if state == "ready":
            return [("Normal", "Started", "Started container " + name)]
        return []

    def post_event(self, pod, kind, reason, message):
        meta = pod["metadata"]
        self.api.call(
            "POST", "/api/v1/namespaces/%s/events" % meta["namespace"], {
                "apiVersion": "v1", "kind": "Event",
                "metadata": {"generateName": meta["name"] + ".",
                             "namespace": meta["namespace"]},
                "involvedObject": reference(pod), "type": kind,
                "reason": reason, "message": message, "count": 1,
                "firstTimestamp": now(), "lastTimestamp": now(),
                "source": {"component": "kubelet",
                           "host": pod["spec"]["nodeName"]}})


def pull_message(image, why):
    return 'Failed to pull image "%s": rpc error: code = Unknown desc = ' \
        'failed to pull and unpack image "%s": %s' % (
            image, image, why or f'failed to resolve reference "{image}": {image}: not found')


class Logs(http.server.BaseHTTPRequestHandler):
    """A kubelet's /containerLogs, by the pod's mode."""

    protocol_version = "HTTP/1.1"
    kubelets = None

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        words = parts.path.strip("/").split("/")
        if len(words) != 4 or words[0] != "containerLogs":
            self.send_error(404)
            return
        code, pod = self.kubelets.api.call(
            "GET", "/api/v1/namespaces/%s/pods/%s" % (words[1], words[2]))
        text = READY_LOG
        if code == 200 and mode_of(
                pod, read_modes(self.kubelets.control)) == "crashloop":
            text = CRASH_LOG
        tail = urllib.parse.parse_qs(parts.query).get("tailLines")
        if tail:
            lines = text.splitlines(True)
            text = "".join(lines[max(0, len(lines) - int(tail[0])):])
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, form, *words):
        pass


def serve_logs(kubelets, cert, key):
    Logs.kubelets = kubelets
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    for address in kubelets.nodes.values():
        server = http.server.ThreadingHTTPServer((address, 10250), Logs)
        server.daemon_threads = True
        server.socket = tls.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", default=os.environ.get("KUBE_SERVER"))
    parser.add_argument("--pki", required=True, help="ca.crt, admin.crt, ...")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--control", required=True, help="the control file")
    parser.add_argument("--registry", help="host whose images are looked up")
    parser.add_argument("--registry-ca")
    options = parser.parse_args()
    if not 1 <= options.nodes <= 4:
        sys.exit("nodes: there are addresses for 1 to 4 nodes")

    api = kubeapi.Api(options.server, options.pki)
    # USER:PASSWORD: not an argument, where everybody could read it.
    registry = Registry(options.registry, options.registry_ca,
                        os.environ.get("NODES_REGISTRY_AUTH"))
    kubelets = Kubelets(api, registry, options.nodes, options.control)
    serve_logs(kubelets, os.path.join(options.pki, "apiserver.crt"),
               os.path.join(options.pki, "apiserver.key"))
    kubelets.register()
    watcher = kubeapi.Watcher(api, "/api/v1/pods")
    stamp, pause = None, 0
    while True:
        end = time.monotonic() + pause
        while time.monotonic() < end:
            if watcher.wait(min(0.2, max(0, end - time.monotonic()))):
                break
            changed = modified(options.control)
            if changed != stamp:
                stamp = changed
                break
        pause = kubelets.sync()


if __name__ == "__main__":
    main()
