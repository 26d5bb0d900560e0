#!/usr/bin/python3
"""image.py DIR NAME LAYERS MIB

Writes an OCI image layout of one image whose LAYERS are MIB of random bytes
each, as gzip without compression: nothing can be skipped, mounted or made
smaller on its way.
"""

import hashlib
import json
import os
import sys
import zlib

CHUNK = 1 << 20
MEDIA = "application/vnd.oci.image."


def blob(directory, pieces, media):
    """Write a blob; its descriptor."""
    digest, size = hashlib.sha256(), 0
    path = os.path.join(directory, "blobs", "sha256", "new")
    with open(path, "wb") as file:
        for piece in pieces:
            digest.update(piece)
            size += file.write(piece)
    os.rename(path, os.path.join(os.path.dirname(path), digest.hexdigest()))
    return {"mediaType": media, "digest": "sha256:" + digest.hexdigest(),
            "size": size}


def layer(mebibytes, plain):
    packer = zlib.compressobj(0, wbits=31)
    for _ in range(mebibytes):
        piece = os.urandom(CHUNK)
        plain.update(piece)
        yield packer.compress(piece)
    yield packer.flush()


def main():
    directory, name = sys.argv[1:3]
    count, mebibytes = map(int, sys.argv[3:])
    os.makedirs(os.path.join(directory, "blobs", "sha256"))
    layers, plain = [], []
    for _ in range(count):
        plain.append(hashlib.sha256())
        layers.append(blob(directory, layer(mebibytes, plain[-1]),
                           MEDIA + "layer.v1.tar+gzip"))
    config = blob(directory, [json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [
            "sha256:" + digest.hexdigest() for digest in plain]},
    }).encode()], MEDIA + "config.v1+json")
    manifest = blob(directory, [json.dumps({
        "schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
        "config": config, "layers": layers}).encode()],
        MEDIA + "manifest.v1+json")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": name}
    for path, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}),
                        ("index.json", {"schemaVersion": 2,
                                        "manifests": [manifest]})):
        with open(os.path.join(directory, path), "w") as file:
            json.dump(value, file)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main()
