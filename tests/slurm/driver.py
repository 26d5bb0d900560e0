#!/usr/bin/python3
"""driver: plays DWS's controller and a storage driver.

Completes each state that a Workflow is asked for, as quickly as it can, and
holds every Workflow by DWS's finalizer until it is deleted. What it does is
written to the log file, a line each: NAME STATE, NAME STATE hurry, NAME gone.
In Setup it sets status.env of the Workflow.

The control file of a Workflow is FILE.NAME, where FILE is what --control says.
Read anew each time, it may hold lines

    STATE error TEXT    the driver fails there
    STATE hold          the state stays incomplete, DriverWait
    STATE absent        nobody takes the state up
    STATE blank         status.status is empty for a moment, as in a transition,
                        and Completed for another one without being ready
    env NAME=VALUE      instead of DW_JOB_sample=/mnt/sample
"""

import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))

import kubeapi  # noqa: E402  (found by the line above)

GROUP = "dataworkflowservices.github.io"
FINALIZER = GROUP + "/workflow"


class Driver:
    def __init__(self, api, version, control, log):
        self.api = api
        self.base = f"/apis/{GROUP}/{version}"
        self.control = control
        self.log = open(log, "a", buffering=1)
        self.known = {}

    def orders(self, name):
        """{STATE: (word, text)} and the environment."""
        states, env = {}, {}
        control = pathlib.Path(f"{self.control}.{name}")
        if control.exists():
            for line in control.read_text().splitlines():
                first, _, rest = line.partition(" ")
                if first == "env":
                    name, _, value = rest.partition("=")
                    env[name] = value.encode().decode("unicode_escape")
                else:
                    word, _, text = rest.partition(" ")
                    states[first] = (word, text)
        return states, env or {"DW_JOB_sample": "/mnt/sample"}

    def patch(self, workflow, body):
        meta = workflow["metadata"]
        return self.api.call(
            "PATCH", f"{self.base}/namespaces/{meta['namespace']}/workflows/{meta['name']}",
            body, kubeapi.MERGE)[0] == 200

    def status(self, workflow, state, word, text, env):
        completed = word not in ("error", "hold")
        status = {"error": "Error", "hold": "DriverWait"}.get(word, "Completed")
        driver = {"driverID": "stand-in", "taskID": "1", "dwdIndex": 0, "lastHB": 0,
                  "watchState": state, "completed": completed,
                  "status": {"DriverWait": "Running"}.get(status, status)}
        # Kubernetes 1.20 takes an empty text for null.
        if text:
            driver["error" if word == "error" else "message"] = text
        return {"status": {"state": state, "ready": completed, "status": status, "env": env,
                           "drivers": [driver]}}

    def step(self, workflow):
        meta, spec = workflow["metadata"], workflow["spec"]
        name, desired = meta["name"], spec["desiredState"]
        if meta.get("deletionTimestamp"):
            if meta.get("finalizers") and self.patch(workflow, {"metadata": {"finalizers": None}}):
                print(name, "gone", file=self.log)
            return
        if not meta.get("finalizers"):
            self.patch(workflow, {"metadata": {"finalizers": [FINALIZER]}})
        states, env = self.orders(name)
        word, text = states.get(desired, ("", ""))
        now = (meta["uid"], desired, word, text)
        if self.known.get(name) == now:
            return
        if self.known.get(name, ())[:2] != now[:2]:
            print(name, desired, *(["hurry"] if spec.get("hurry") else []), file=self.log)
        if word == "absent":
            self.known[name] = now
            return
        if word == "blank":
            self.patch(workflow, {"status": {"state": desired, "ready": False, "status": None}})
            time.sleep(0.3)
            self.patch(workflow, {"status": {"state": desired, "ready": False,
                                             "status": "Completed"}})
            time.sleep(0.3)
        if self.patch(workflow, self.status(workflow, desired, word, text, env)):
            self.known[name] = now

    def sync(self):
        for workflow in self.api.items(f"{self.base}/workflows") or []:
            self.step(workflow)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", default=os.environ.get("KUBE_SERVER"))
    parser.add_argument("--pki", required=True)
    parser.add_argument("--version", required=True, help="of the Workflows, such as v1alpha7")
    parser.add_argument("--control", required=True)
    parser.add_argument("--log", required=True)
    options = parser.parse_args()
    api = kubeapi.Api(options.server, options.pki)
    driver = Driver(api, options.version, options.control, options.log)
    watcher = kubeapi.Watcher(api, f"{driver.base}/workflows")
    while True:
        driver.sync()
        watcher.wait(0.3)


if __name__ == "__main__":
    main()
