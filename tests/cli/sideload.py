#!/usr/bin/python3
"""sideload: bundles that bundle.py does not make.

    sideload.py artifacts DIR       adds to the layout in DIR/oci a signature
                                    of each image by its tag, as cosign does,
                                    and an attestation that names it as its
                                    subject
    sideload.py referrers FILE OUT KEY
                                    the bundle FILE with its attestations
                                    under no tag, signed by KEY
    sideload.py sparse DIR OUT KEY BLOBS BYTES
                                    a bundle of what is in DIR whose image dws
                                    has so many layers more, of that many
                                    zeros (and a number); OUT is sparse
"""

import hashlib
import json
import pathlib
import sys

sys.dont_write_bytecode = True
import bundle  # noqa: E402

OCI = "application/vnd.oci."
MANIFEST = OCI + "image.manifest.v1+json"
EMPTY = b"{}"


def put(layout, data):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    digest = bundle.sha256(data)
    (layout / "blobs" / digest.replace(":", "/")).write_bytes(data)
    return {"digest": digest, "size": len(data)}


def artifact(layout, kind, image, subject):
    """A manifest of one small layer; its descriptor."""
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": OCI + "empty.v1+json", **put(layout, EMPTY)},
        "layers": [{"mediaType": "application/vnd.test." + kind,
                    **put(layout, f"{kind} of {image['digest']}".encode())}]}
    if subject:
        manifest["artifactType"] = "application/vnd.test." + kind
        manifest["subject"] = {name: image[name] for name in
                               ("mediaType", "digest", "size")}
        manifest["annotations"] = {"test": kind}
    return {"mediaType": MANIFEST, **put(layout, manifest)}


def add_artifacts(directory):
    layout = pathlib.Path(directory, "oci")
    index = json.loads((layout / "index.json").read_text())
    for image in list(index["manifests"]):
        name = image["annotations"][bundle.REF_NAME].rsplit(":", 1)[0]
        stem = f"{name}:" + image["digest"].replace(":", "-")
        for kind, subject in (("sig", False), ("att", True)):
            index["manifests"].append(
                artifact(layout, kind, image, subject) |
                {"annotations": {bundle.REF_NAME: f"{stem}.{kind}"}})
    (layout / "index.json").write_text(json.dumps(index))


def referrers(source, out, key):
    whole = bundle.Bundle(source)
    root = json.loads(whole.meta_text)
    files = [(file["path"], whole.files[file["path"]])
             for file in root["files"]]
    for release in root["releases"]:
        for image in release["images"]:
            for one in image["artifacts"]:
                if one["tag"].endswith(".att"):
                    one.update(tag=None,
                               artifactType="application/vnd.test.att")
    pathlib.Path(out).write_bytes(bundle.assemble(root, files, key))


def zeros(size, number):
    """Descriptor and first bytes of a layer."""
    head = number.to_bytes(8, "big")
    digest = hashlib.sha256(head)
    block = bytes(1 << 20)
    for start in range(len(head), size, len(block)):
        digest.update(block[:min(len(block), size - start)])
    return {"mediaType": OCI + "image.layer.v1.tar",
            "digest": "sha256:" + digest.hexdigest(), "size": size}, head


class Options:
    created, builder = 1700000000, "0"


def sparse(directory, out, key, blobs, size):
    directory = pathlib.Path(directory)
    root, files = bundle.contents(directory, Options)
    layers = [zeros(size, number) for number in range(blobs)]
    dws = [image for release in root["releases"]
           for image in release["images"] if image["name"] == "dws"][0]
    path = "blobs/" + dws["digest"].replace(":", "/")
    manifest = json.loads(dict(files)[path])
    manifest["layers"] += [layer for layer, _ in layers]
    text = json.dumps(manifest).encode()
    # What the old one was called in index.json goes to the new one.
    old, dws["digest"] = dws["digest"], bundle.sha256(text)
    new = "blobs/" + dws["digest"].replace(":", "/")
    index = json.loads(dict(files)["index.json"])
    for entry in index["manifests"]:
        if entry["digest"] == old:
            entry.update(digest=dws["digest"], size=len(text))
    files = [("index.json", bundle.compact(index)) if name == "index.json"
             else (new, text) if name == path else (name, data)
             for name, data in files]
    listed = [(name, len(data), bundle.sha256(data), data)
              for name, data in files]
    listed += [("blobs/" + layer["digest"].replace(":", "/"), layer["size"],
                layer["digest"], head) for layer, head in layers]
    root["files"] = [{"path": name, "size": length, "digest": digest}
                     for name, length, digest, _ in listed]
    write(root, listed, out, key)


def write(root, listed, out, key):
    meta = bundle.compact(root)
    signature = bundle.sign(meta, key)
    seconds = bundle.seconds(root["created"])
    with open(out, "wb") as file:
        for name, length, _, data in [
                (bundle.META, len(meta), None, meta),
                (bundle.SIGNATURE, len(signature), None, signature), *listed]:
            file.write(bundle.header(name, length, seconds))
            end = file.tell() + bundle.padded(length)
            file.write(data)
            file.seek(end)
        file.truncate(file.tell() + 2 * bundle.BLOCK)


def main(command, *args):
    if command == "artifacts":
        add_artifacts(*args)
    elif command == "referrers":
        referrers(*args)
    elif command == "sparse":
        sparse(*args[:3], *map(int, args[3:]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
