#!/usr/bin/python3
"""schema: what the API server makes of values, for a table of schemas.

    schema.py CRD-FILE OBJECTS-FILE

Makes a CRD of the table below, writes it and an object for each line of the
table into the files, and prints for each "taken", or what became of it: a dry
run creates it and compares what comes back. The CRD goes again.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(
    os.path.abspath(__file__)), "..", "servers"))
import kubeapi  # noqa: E402

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SAMPLES = "/apis/test.dws-csm.io/v1/samples"

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
PORT = {"x-kubernetes-int-or-string": True}
LETTER = {"type": "string", "enum": ["a", "b"]}
G = {"type": "object", "properties": {"g": STRING}}
NEEDS_G = {"type": "object", "required": ["g"], "properties": {"g": STRING}}
DEFAULT_G = {"type": "object", "required": ["g"],
             "properties": {"g": {"type": "string", "default": "x"}}}
MAP = {"type": "object", "additionalProperties": INTEGER}
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
PARTLY = dict(G, **{"x-kubernetes-preserve-unknown-fields": True})
EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True,
            "properties": {"spec": G}}
LIST = {"type": "array", "minItems": 1, "maxItems": 2, "items": G}
TIME = {"type": "string", "format": "date-time"}
PATTERN = {"type": "string", "pattern": r"^[a-z]+\d$"}
BOUNDS = {"type": "integer", "minimum": 1, "maximum": 10}
EDGES = {"type": "integer", "minimum": 1, "exclusiveMinimum": True,
         "maximum": 5, "exclusiveMaximum": True}
BOTH = {"type": "integer", "allOf": [{"minimum": 1}, {"maximum": 3}]}
ONE = {"type": "integer", "oneOf": [{"minimum": 3}, {"maximum": 5}]}
ANY = {"type": "integer", "anyOf": [{"minimum": 5}, {"maximum": 3}]}
NOT = {"type": "integer", "not": {"minimum": 3}}

TABLE = [
    (STRING, ["a", 1, True, None, [], {}]),
    (dict(STRING, nullable=True), ["a", None]),
    (dict(STRING, default="x"), [None]),
    (INTEGER, [1, -1, 1.5, "1", 2 ** 40, None]),
    (dict(INTEGER, format="int32"), [1, 2 ** 31 - 1]),
    ({"type": "number"}, [1, 1.5, "1"]),
    ({"type": "boolean"}, [True, False, "true", 1]),
    (PORT, [1, "1-5", True, 1.5]),
    (LETTER, ["a", "c"]),
    (BOUNDS, [1, 10, 11]),
    (EDGES, [1, 2, 5]),
    (dict(INTEGER, multipleOf=5), [15, 16]),
    (dict(STRING, minLength=2, maxLength=3), ["a", "äöü", "abcd"]),
    (PATTERN, ["ab1", "ab", "1"]),
    (TIME, ["2026-11-23T03:55:00Z", "2026-11-23T03:55:00.5+01:00",
            "yesterday", "2026-11-23"]),
    (G, [{}, {"g": "x"}, {"h": 1}, {"g": 1}, {"g": "x", "h": "y"}]),
    (NEEDS_G, [{}, {"g": "x"}, {"g": None}]),
    (DEFAULT_G, [{"g": "x"}, {"g": None}]),
    (MAP, [{}, {"a": 1}, {"a.b/c": 1}, {"a": "1"}, {"a": None}]),
    (ANYTHING, [{"a": {"b": [1]}}]),
    (PARTLY, [{"a": 1}, {"g": "x", "a": 1}, {"g": 1}]),
    (EMBEDDED, [{"apiVersion": "v1", "kind": "K", "metadata": {"name": "x"},
                 "spec": {"g": "x"}},
                {"apiVersion": "v1", "kind": "K", "spec": {"h": "x"}}]),
    (LIST, [[{"g": "x"}], [], [{}, {}, {}], [{"h": 1}], [1], [None]]),
    (dict(MAP, maxProperties=1), [{"a": 1}, {"a": 1, "b": 2}]),
    (BOTH, [2, 4]), (ONE, [2, 4, 6]), (ANY, [2, 4, 6]), (NOT, [2, 3]),
]


def crd():
    properties = {"f%d" % i: schema for i, (schema, _) in enumerate(TABLE)}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "samples.test.dws-csm.io"},
        "spec": {
            "group": "test.dws-csm.io", "scope": "Cluster",
            "names": {"kind": "Sample", "plural": "samples"},
            "versions": [{
                "name": "v1", "served": True, "storage": True,
                "schema": {"openAPIV3Schema": {
                    "type": "object", "properties": {"spec": {
                        "type": "object", "properties": properties}}}}}]}}


def objects():
    return [{"apiVersion": "test.dws-csm.io/v1", "kind": "Sample",
             "metadata": {"name": "sample"}, "spec": {"f%d" % i: value}}
            for i, (_, values) in enumerate(TABLE) for value in values]


def same(sent, got):
    """Whether nothing was lost; null is nothing, wherever it stands."""
    if sent is None:
        return True
    if isinstance(sent, dict):
        return isinstance(got, dict) and all(
            same(value, got.get(name)) for name, value in sent.items())
    return sent == got


def verdict(api, sample):
    for _ in range(100):
        status, answer = api.call("POST", SAMPLES + "?dryRun=All", sample)
        if status != 404:
            break
        time.sleep(0.1)
    if status == 422:
        return "refused: " + answer["message"]
    if status != 201:
        sys.exit("schema: %s %s" % (status, answer))
    return "taken" if same(sample["spec"], answer.get("spec")) else "pruned"


def main():
    api = kubeapi.Api(os.environ["KUBE_SERVER"],
                      os.path.join(os.environ["T"], "pki"))
    status, answer = api.call("POST", CRDS, crd())
    if status != 201:
        sys.exit("schema: %s" % answer.get("message"))
    with open(sys.argv[1], "w") as out:
        json.dump(crd(), out)
    with open(sys.argv[2], "w") as out:
        for sample in objects():
            out.write(json.dumps(sample) + "\n")
    for sample in objects():
        print(verdict(api, sample))
    api.call("DELETE", CRDS + "/samples.test.dws-csm.io")


if __name__ == "__main__":
    main()
