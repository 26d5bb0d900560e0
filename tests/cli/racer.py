#!/usr/bin/python3
"""racer.py: a workload manager that never rests.

usage: racer.py FILE

Creates Workflows one after the other and deletes each again, as jobs come and
go, at whichever version is stored, until FILE is there. Then prints, as JSON:

  made      how many were created
  lost      those that could not be deleted afterwards: [name, why]
  refused   {what was said to one that was not created: how often}; names are
            left out of it

Environment: KUBE_SERVER, and $T/pki with the administrator's certificate.
"""

import collections
import json
import os
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))

import kubeapi  # noqa: E402  (found by the line above)

GROUP = "dataworkflowservices.github.io"


def workflow(name, version):
    return {"apiVersion": f"{GROUP}/{version}", "kind": "Workflow", "metadata": {"name": name},
            "spec": {"desiredState": "Proposal", "wlmID": name, "jobID": 1, "userID": 1001,
                     "groupID": 100, "dwDirectives": [f"#DW jobdw type=xfs capacity=1GB name={name}"]}}


class Racer:
    def __init__(self, api):
        self.api = api
        self.version = "v1alpha2"
        self.made = 0
        self.lost = []
        self.refused = collections.Counter()

    def path(self):
        return f"/apis/{GROUP}/{self.version}/namespaces/default/workflows"

    def turn(self, name):
        status, answer = self.api.call("POST", self.path(), workflow(name, self.version))
        if status == 404:
            self.version = "v1alpha7" if self.version == "v1alpha2" else "v1alpha2"
        if status != 201:
            self.refused[f"{status} {re.sub(name, 'NAME', answer.get('message', ''))}"] += 1
            time.sleep(0.02)
            return
        self.made += 1
        for _ in range(50):
            status, answer = self.api.call("DELETE", f"{self.path()}/{name}")
            if status in (200, 404):
                break
            time.sleep(0.1)
        if status != 200:
            self.lost.append([name, answer.get("message")])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    racer = Racer(kubeapi.Api(os.environ["KUBE_SERVER"], os.path.join(os.environ["T"], "pki")))
    number = 0
    while not os.path.exists(sys.argv[1]):
        number += 1
        racer.turn(f"racer-{number}")
    json.dump({"made": racer.made, "lost": racer.lost, "refused": racer.refused}, sys.stdout)


if __name__ == "__main__":
    main()
