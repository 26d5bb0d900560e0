#!/usr/bin/python3
"""Compare DWS objects with the reference of their release.

usage: reference.py [--version V] [--live] [--without GROUP]... OBJECTS [REFERENCE]
       reference.py --digests OBJECTS

OBJECTS is what `dws-csm manifests` or `kubectl get -o json` printed: a JSON List, a JSON object, or
YAML documents; `-` reads standard input. The measure is, in this order:

  REFERENCE   a file of objects
  directory   $DWS_REFERENCE, else ../shared/reference/dws beside the clone, when it is there
  digests     tests/data/reference/V.sha256, a line an object: tells which object differs, not where

V is taken from the tag of the controller's image unless given. Every object of the measure must be
there and be equal in every field; no other may be, save those that a release has beside its overlay
(ServiceMonitor, role of workload managers), which are compared when they are there. Descriptions in
CRD schemas are not compared.

--live takes objects as an API server gives them back: fields and objects that the reference does
not have are allowed, and the version of an API group may be another. --without GROUP leaves out the
objects of an API group and the annotations with its prefix, such as cert-manager.io where
certificates are made otherwise.

--digests prints the lines of a digest file instead.

Exit: 0 equal, 1 different, 2 wrong use or unreadable input.
"""

import argparse
import hashlib
import json
import os
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGESTS = ROOT / "tests" / "data" / "reference"
EXTRAS = ("prometheus.yaml", "workload_manager_role.yaml")
ABSENT = object()


class Unreadable(Exception):
    """An input cannot be read or lacks what we need of it."""


def load(path):
    """The objects of a JSON or YAML file, Lists unpacked."""
    try:
        text = sys.stdin.read() if str(path) == "-" else pathlib.Path(path).read_text("utf-8")
        if text.lstrip().startswith("{"):
            documents = [json.loads(text)]
        else:
            documents = list(yaml.safe_load_all(text))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Unreadable(f"cannot read '{path}': {error}") from error

    objects = []
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict) or "kind" not in document:
            raise Unreadable(f"'{path}' holds a document that is not a Kubernetes object")
        if document["kind"].endswith("List") and isinstance(document.get("items"), list):
            objects.extend(document["items"])
        else:
            objects.append(document)
    for item in objects:
        if not isinstance(item, dict) or not {"apiVersion", "kind", "metadata"} <= item.keys():
            raise Unreadable(f"'{path}' holds an object without apiVersion, kind or metadata")
    return objects


def without_descriptions(schema):
    """A copy of an OpenAPI schema without its descriptions; properties of that name stay."""
    result = {}
    for key, value in schema.items():
        if key == "description":
            continue
        if key in ("properties", "patternProperties", "definitions"):
            value = {name: without_descriptions(entry) for name, entry in value.items()}
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            value = without_descriptions(value)
        elif key in ("allOf", "anyOf", "oneOf"):
            value = [without_descriptions(entry) for entry in value]
        result[key] = value
    return result


def comparable(item):
    """A copy of the object as it is compared: CRD schemas without descriptions."""
    item = json.loads(json.dumps(item))
    if item["kind"] == "CustomResourceDefinition":
        for version in item["spec"]["versions"]:
            schema = version.get("schema", {})
            if "openAPIV3Schema" in schema:
                schema["openAPIV3Schema"] = without_descriptions(schema["openAPIV3Schema"])
    return item


def digest(item):
    text = json.dumps(comparable(item), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def group_of(api_version):
    return api_version.rpartition("/")[0]


def identity(item, live=False):
    """apiVersion/kind/namespace/name; the group alone for live objects."""
    api_version = item["apiVersion"]
    if live:
        api_version = group_of(api_version) or "core"
    metadata = item["metadata"]
    return "/".join((api_version, item["kind"], metadata.get("namespace", "-"), metadata["name"]))


def indexed(objects, path, live=False):
    result = {}
    for item in objects:
        name = identity(item, live)
        if name in result:
            raise Unreadable(f"'{path}' holds '{name}' twice")
        result[name] = item
    return result


def show(value):
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def first_difference(want, got, live, path=""):
    """(path, wanted, got) of the first field that differs, or None."""
    if live and want == {} and got is ABSENT:
        return None
    if isinstance(want, dict) and isinstance(got, dict):
        names = list(want) if live else list(want) + [name for name in got if name not in want]
        for name in names:
            below = f"{path}.{name}" if path else name
            found = first_difference(want.get(name, ABSENT), got.get(name, ABSENT), live, below)
            if found:
                return found
        return None
    if isinstance(want, list) and isinstance(got, list):
        for at in range(max(len(want), len(got))):
            pair = [values[at] if at < len(values) else ABSENT for values in (want, got)]
            found = first_difference(*pair, live, f"{path}[{at}]")
            if found:
                return found
        return None
    # True == 1 in Python, not in JSON.
    if type(want) is type(got) and want == got:
        return None
    return path, want, got


def complaint(want, got, live):
    """What is wrong with an object, or None. `want` is the object or its digest."""
    if isinstance(want, str):
        return None if digest(got) == want else "differs from its digest"
    want, got = comparable(want), comparable(got)
    if live:
        got["apiVersion"] = want["apiVersion"]
    found = first_difference(want, got, live)
    if not found:
        return None
    return f"{found[0]}: wanted {show(found[1])}, got {show(found[2])}"


def version_of(objects):
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "dws-controller-manager":
            for container in item["spec"]["template"]["spec"]["containers"]:
                if container["name"] == "manager":
                    image = container["image"].partition("@")[0]
                    return image.rpartition("/")[2].rpartition(":")[2]
    raise Unreadable("no Deployment 'dws-controller-manager' tells the release: give --version")


def read_digests(path):
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise Unreadable(f"no reference for this release: {error}") from error
    return {name: value for value, name in (line.split("  ", 1) for line in lines)}


def measure(options, objects):
    """(required, optional, where from): maps of identity to object or digest."""
    if options.reference:
        path = options.reference
        return indexed(load(path), path, options.live), {}, path

    version = options.version or version_of(objects)
    directory = pathlib.Path(os.environ.get("DWS_REFERENCE", ROOT.parent / "shared/reference/dws"))
    directory /= version
    if (directory / "csm.yaml").exists():
        required = indexed(load(directory / "csm.yaml"), "csm.yaml", options.live)
        extras = [item for name in EXTRAS if (directory / name).exists()
                  for item in load(directory / name)]
        return required, indexed(extras, "extras", options.live), f"the reference of {version}"

    if options.live:
        raise Unreadable("live objects cannot be compared with digests: name a REFERENCE")
    return (read_digests(DIGESTS / f"{version}.sha256"),
            read_digests(DIGESTS / f"{version}-optional.sha256"), f"the digests of {version}")


def without_annotations(item, groups):
    """The object without annotations of those groups; a line of digests as it is."""
    notes = item.get("metadata", {}).get("annotations") if isinstance(item, dict) else None
    if not notes:
        return item
    notes = {key: value for key, value in notes.items() if key.split("/")[0] not in groups}
    metadata = {key: value for key, value in item["metadata"].items() if key != "annotations"}
    return {**item, "metadata": {**metadata, **({"annotations": notes} if notes else {})}}


def compare(options, objects):
    """Print what differs; the number of differences."""
    live = options.live
    required, optional, where = measure(options, objects)

    def kept(name):
        group = name.split("/")[0] if live else group_of(name.rsplit("/", 3)[0])
        return group not in options.without

    got = indexed(objects, options.objects, live)
    got = {name: item for name, item in got.items() if kept(name)}
    required = {name: without_annotations(want, options.without)
                for name, want in required.items() if kept(name)}

    problems, extras = [], 0
    for name, want in required.items():
        wrong = complaint(want, got[name], live) if name in got else "missing"
        if wrong:
            problems.append(f"{name}: {wrong}")
    for name, item in got.items():
        if name in required:
            continue
        if name in optional:
            extras += 1
            wrong = complaint(optional[name], item, live)
        else:
            wrong = None if live else "not in the reference"
        if wrong:
            problems.append(f"{name}: {wrong}")

    for problem in problems:
        print(problem)
    if not problems:
        print(f"{len(required)} objects equal {where}, and {extras} beside them")
    return len(problems)


def main():
    _, usage, manual = __doc__.split("\n\n", 2)
    parser = argparse.ArgumentParser(usage=usage.partition("usage: ")[2], description=manual,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--without", action="append", default=[], metavar="GROUP")
    parser.add_argument("--digests", action="store_true")
    parser.add_argument("objects", metavar="OBJECTS")
    parser.add_argument("reference", metavar="REFERENCE", nargs="?")
    options = parser.parse_args()
    try:
        objects = load(options.objects)
        if options.digests:
            for item in objects:
                print(f"{digest(item)}  {identity(item)}")
            return 0
        return 1 if compare(options, objects) else 0
    except Unreadable as error:
        print(f"reference.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
