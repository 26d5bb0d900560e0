#!/usr/bin/python3
"""What an overlay changes, as lines that can be compared.

usage: overlays.py [--any-order] BASE RESULT

BASE and RESULT are objects as `dws-csm manifests` and `kubectl kustomize` print them. Prints
a line for each value that RESULT has otherwise, for each object that BASE has not, and for what has
been removed. Schemas of CRDs are told by their digest.

--any-order sorts every list of objects: kustomize 2 puts new elements of a list behind the others,
kustomize 5 before them.
"""

import argparse
import hashlib
import json
import sys

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def text(value):
    """A value as one line, the same for equal values."""
    return json.dumps(value, sort_keys=True)


def load(path):
    """{"KIND NAMESPACE/NAME": object} of a file, Lists unpacked."""
    objects = {}
    with open(path, encoding="utf-8") as file:
        content = file.read()
    if content.startswith("{"):
        documents = [json.loads(content)]
    else:
        documents = list(yaml.load_all(content, Loader=LOADER))
    for document in documents:
        items = document.get("items", [document]) if document else []
        for item in items:
            metadata = item["metadata"]
            key = f'{item["kind"]} {metadata.get("namespace", "-")}/{metadata["name"]}'
            if key in objects:
                sys.exit(f"'{path}' has {key} twice")
            objects[key] = item
    return objects


def plain(value, any_order):
    """Schemas by digest; lists of objects sorted, where that is wanted."""
    if isinstance(value, dict):
        result = {}
        for key, member in value.items():
            if key == "openAPIV3Schema":
                member = hashlib.sha256(text(member).encode()).hexdigest()
            result[key] = plain(member, any_order)
        return result
    if isinstance(value, list):
        value = [plain(element, any_order) for element in value]
        if any_order and any(isinstance(element, dict) for element in value):
            value.sort(key=text)
    return value


def tell(path, before, after):
    """Print what differs, each on a line behind its path."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            if name not in after:
                print(f"{path} .{name}: removed")
            elif name not in before:
                print(f"{path} .{name}: {text(after[name])}")
            else:
                tell(f"{path} .{name}", before[name], after[name])
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after)):
            tell(f"{path} [{index}]", *pair)
    else:
        print(f"{path}: {text(after)}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--any-order", action="store_true")
    parser.add_argument("base")
    parser.add_argument("result")
    args = parser.parse_args()
    base, result = load(args.base), load(args.result)
    for key in sorted(base.keys() | result.keys()):
        if key not in result:
            print(f"{key}: removed")
        elif key not in base:
            print(f"{key}: {text(plain(result[key], args.any_order))}")
        else:
            tell(key, *(plain(objects[key], args.any_order) for objects in (base, result)))


main()
