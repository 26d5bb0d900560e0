#!/usr/bin/python3
"""fill.py COUNT: as many Storages, with status, as a large site has them."""

import os
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))

import kubeapi  # noqa: E402  (found by the line above)

PATH = "/apis/dataworkflowservices.github.io/v1alpha7/namespaces/default/storages"
DEVICES = [{"capacity": 1920383410176, "firmwareVersion": "1.2.3", "model": "KIOXIA KCM7",
            "serialNumber": f"S-{slot:08}", "slot": str(slot), "status": "Ready", "wearLevel": 1}
           for slot in range(16)]
THREADS = 6


def fill(api, numbers):
    for number in numbers:
        name = f"rabbit-{number:06}"
        status, made = api.call("POST", PATH, {
            "apiVersion": "dataworkflowservices.github.io/v1alpha7", "kind": "Storage",
            "metadata": {"name": name, "labels": {"dataworkflowservices.github.io/storage": "Rabbit"}},
            "spec": {"state": "Enabled"}})
        if status == 201:
            made["status"] = {"type": "NVMe", "capacity": 30726134562816, "status": "Ready",
                              "devices": DEVICES}
            status, made = api.call("PUT", f"{PATH}/{name}/status", made)
        if status not in (200, 409):
            print(f"fill: {name}: {status} {made.get('message')}", file=sys.stderr)
            os._exit(1)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    api = kubeapi.Api(os.environ["KUBE_SERVER"], os.path.join(os.environ["T"], "pki"))
    threads = [threading.Thread(target=fill, args=(api, range(n, int(sys.argv[1]), THREADS)))
               for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
