#!/usr/bin/python3
"""layout: writes an OCI image layout to test with.

    layout.py DIR NAME=LAYER[,LAYER...][@OS/ARCH]...

A LAYER is WORD:BYTES: that many bytes, which the word determines; the same
word and size make the same blob in every image. A NAME that comes several
times, for several platforms, becomes an index.
"""

import hashlib
import json
import pathlib
import random
import sys

OCI = "application/vnd.oci.image."


class Layout:
    def __init__(self, directory):
        self.blobs = pathlib.Path(directory, "blobs", "sha256")
        self.blobs.mkdir(parents=True)
        self.directory = pathlib.Path(directory)

    def put(self, media_type, data, **more):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.blobs / digest).write_bytes(data)
        return {"mediaType": OCI + media_type, "digest": "sha256:" + digest,
                "size": len(data), **more}

    def image(self, layers, platform):
        system, architecture = platform.split("/")
        listed = []
        for layer in layers.split(","):
            word, size = layer.split(":")
            data = random.Random(word).randbytes(int(size))
            listed.append(self.put("layer.v1.tar", data))
        config = self.put("config.v1+json", {
            "os": system, "architecture": architecture, "config": {},
            "rootfs": {"type": "layers",
                       "diff_ids": [layer["digest"] for layer in listed]}})
        return self.put("manifest.v1+json", {
            "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
            "config": config, "layers": listed},
            platform={"os": system, "architecture": architecture})

    def finish(self, images):
        entries = []
        for name, found in images.items():
            entry = found[0]
            if len(found) > 1:
                entry = self.put("index.v1+json", {
                    "schemaVersion": 2, "mediaType": OCI + "index.v1+json",
                    "manifests": found})
            entry["annotations"] = {
                "org.opencontainers.image.ref.name": name}
            entries.append(entry)
        (self.directory / "oci-layout").write_text(
            '{"imageLayoutVersion": "1.0.0"}')
        (self.directory / "index.json").write_text(
            json.dumps({"schemaVersion": 2, "manifests": entries}))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    layout = Layout(sys.argv[1])
    images = {}
    for argument in sys.argv[2:]:
        name, rest = argument.split("=", 1)
        layers, _, platform = rest.partition("@")
        images.setdefault(name, []).append(
            layout.image(layers, platform or "linux/amd64"))
    layout.finish(images)


if __name__ == "__main__":
    main()
