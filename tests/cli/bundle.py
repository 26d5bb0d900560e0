#!/usr/bin/python3
"""bundle: makes and checks bundles apart from the program.

Written from the description of the format alone (installer/bundle/bundle.h,
bundle_meta.h, installer/format/tar_header.h), so that it shows whether that
is whole and right.

    bundle.py make DIR OUT [--key KEY] [--elf FILE] [--split BYTES]
                           [--builder VERSION] [--created SECONDS]
                           [--like BUNDLE]

DIR has `oci` (an image layout whose entries are named registry.local/NAME:TAG;
NAME:sha256-<hex>.sig|att|sbom go with the image of that digest),
`manifests/VERSION.yaml`, and where wanted `rpms` and `docs`. The images of a
release are those that its manifests name. What does not follow from DIR
(builder, libraries, origin of releases and images) is made up, or is that of
BUNDLE. KEY is a private key in PEM without password; without it the bundle is
unsigned.

    bundle.py check FILE [--pub PUB]

Says whether each byte of the bundle is as the format wants it, the
signature being that of PUB, and whether tarfile, tar and skopeo read the same
out of it. FILE may stand for its parts, or be an executable.

    bundle.py map FILE

One line a region: kind, offset, length, path; offsets are those of the file
(of its parts joined). Kinds: elf, gap, header, content, padding, end.

    bundle.py sign FILE KEY         another signature, in place
    bundle.py meta FILE             bundle.json as it stands
"""

import argparse
import base64
import datetime
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

FORMAT = "dws-csm.io/bundle/v1"
BLOCK = 512
META, SIGNATURE = "bundle.json", "bundle.json.sig"
UNSIGNED = b"unsigned\n"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REF_NAME = "org.opencontainers.image.ref.name"
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json",
             "application/vnd.docker.distribution.manifest.v2+json")
INDEXES = ("application/vnd.oci.image.index.v1+json",
           "application/vnd.docker.distribution.manifest.list.v2+json")


class Wrong(Exception):
    """What is not as the format wants it."""


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def padded(size):
    return -(-size // BLOCK) * BLOCK


# --- the archive ---

def split_path(path):
    """Prefix and name of a ustar header."""
    if len(path) <= 100:
        return "", path
    for place, byte in enumerate(path):
        if byte == "/" and 0 < place <= 155 and \
                0 < len(path) - place - 1 <= 100:
            return path[:place], path[place + 1:]
    raise Wrong(f"no header can hold the path '{path}'")


def number(value):
    if value < 8 << 30:
        return b"%011o\0" % value
    return b"\x80" + value.to_bytes(11, "big")


def header(path, size, mtime):
    prefix, name = split_path(path)
    block = struct.pack(
        "100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x", name.encode(),
        b"0000644\0", b"0000000\0", b"0000000\0", number(size),
        number(mtime), b" " * 8, b"0", b"", b"ustar\0", b"00", b"", b"",
        b"0000000\0", b"0000000\0", prefix.encode())
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def elf_end(data):
    """Where the ELF file that `data` begins with ends; 0 if it is none."""
    if data[:4] != b"\x7fELF":
        return 0
    if data[4:6] != b"\x02\x01":
        raise Wrong("the executable is not 64 bit, little endian")
    (phoff, shoff) = struct.unpack_from("<QQ", data, 32)
    (phentsize, phnum, shentsize, shnum) = struct.unpack_from("<HHHH", data, 54)
    ends = [shoff + shnum * shentsize]
    for number in range(phnum):
        (offset, _, _, size) = struct.unpack_from(
            "<QQQQ", data, phoff + number * phentsize + 8)
        ends.append(offset + size)
    return max(ends)


# --- making one ---

def read_layout(layout):
    """Blobs by digest, and the entries of index.json."""
    blobs = {}
    for path in (layout / "blobs" / "sha256").iterdir():
        data = path.read_bytes()
        if sha256(data) != "sha256:" + path.name:
            raise Wrong(f"{path} is not what its name says")
        blobs["sha256:" + path.name] = data
    index = json.loads((layout / "index.json").read_text())
    return blobs, index["manifests"]


def is_manifest(media_type):
    return media_type in MANIFESTS or media_type in INDEXES


def children(text):
    """Descriptors that a manifest or an index names."""
    manifest = json.loads(text)
    found = list(manifest.get("manifests", []))
    if "config" in manifest:
        found.append(manifest["config"])
    return found + manifest.get("layers", [])


def reachable(blobs, descriptor, found):
    """Adds to `found`, by digest, whether it is a manifest."""
    digest = descriptor["digest"]
    if digest in found:
        return
    if digest not in blobs:
        raise Wrong(f"blob {digest} is not there")
    if len(blobs[digest]) != descriptor["size"]:
        raise Wrong(f"blob {digest} has not the size that is said")
    found[digest] = is_manifest(descriptor["mediaType"])
    if found[digest]:
        for child in children(blobs[digest]):
            reachable(blobs, child, found)


def newest_created(blobs, found):
    times = [0]
    for digest, manifest in found.items():
        config = json.loads(blobs[digest]).get("config") if manifest else None
        if config and "json" in config["mediaType"]:
            created = json.loads(blobs[config["digest"]]).get("created")
            if created:
                times.append(int(datetime.datetime.fromisoformat(
                    created.split(".")[0].rstrip("Z") + "+00:00").timestamp()))
    return max(times)


def image_of(reference, entries):
    """The image that the manifests' `reference` means, or None."""
    repository, tag = reference.rsplit(":", 1)
    name = repository.rsplit("/", 1)[-1]
    entry = entries.get(f"{name}:{tag}")
    if entry is None:
        return None
    image = {"name": name, "repository": repository, "tag": tag,
             "digest": entry["digest"], "mediaType": entry["mediaType"],
             "source": "docker://" + reference, "artifacts": []}
    stem = f"{name}:" + entry["digest"].replace(":", "-")
    for kind in (".sig", ".att", ".sbom"):
        artifact = entries.get(stem + kind)
        if artifact:
            image["artifacts"].append({
                "tag": (stem + kind).split(":")[1],
                "digest": artifact["digest"],
                "mediaType": artifact["mediaType"], "artifactType": None})
    return image


def release_of(path, entries):
    text = path.read_text()
    served, storage = "", ""
    for name, stored in re.findall(
            r"^ +(?:- )?name: (v1alpha\d+)$|^ +(?:- )?storage: (true)$",
            text, re.MULTILINE):
        served, storage = name or served, served if stored else storage
    images = []
    for reference in re.findall(r"^ +(?:- )?image: [\"']?([^\"'\s]+)", text,
                                re.MULTILINE):
        image = image_of(reference, entries)
        if image and image not in images:
            images.append(image)
    role = "dws-workload-manager"
    if not re.search(rf"^  name: {role}$", text, re.MULTILINE):
        role = "workload-manager"
    return {"version": path.stem, "manifests": "manifests/" + path.name,
            "storageVersion": storage, "workloadManagerRole": role,
            "source": {"type": "manifests", "name": path.name,
                       "digest": sha256(text.encode())},
            "images": sorted(images, key=lambda image: image["name"])}


def liken(root, model):
    """Takes from `model` what does not follow from the inputs."""
    for name in ("created", "builder", "libraries", "platforms"):
        root[name] = model[name]
    for ours, theirs in zip(root["releases"], model["releases"]):
        ours["source"] = theirs["source"]
        for image, other in zip(ours["images"], theirs["images"]):
            image["source"] = other["source"]


def sort_version(path):
    return [int(number) for number in re.findall(r"\d+", path.stem)]


def sign(data, key):
    result = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key],
                            input=data, stdout=subprocess.PIPE, check=True)
    return base64.b64encode(result.stdout) + b"\n"


def contents(directory, args):
    """bundle.json without its list of files, and the files in order."""
    blobs, listed = read_layout(directory / "oci")
    entries = {entry["annotations"][REF_NAME].split("/", 1)[1]: entry
               for entry in listed}
    found = {}
    for entry in listed:
        reachable(blobs, entry, found)
    created = args.created
    if created is None:
        created = int(os.environ.get("SOURCE_DATE_EPOCH",
                                     newest_created(blobs, found)))
    root = {
        "format": FORMAT,
        "created": datetime.datetime.fromtimestamp(
            created, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "builder": {"name": "dws-csm", "version": args.builder,
                    "commit": "0" * 40},
        "platforms": ["linux/amd64"],
        "libraries": [],
        "releases": [release_of(path, entries) for path in
                     sorted((directory / "manifests").iterdir(),
                            key=sort_version)]}
    # One line an image or artifact, without what a layout says besides.
    index = {"schemaVersion": 2,
             "mediaType": INDEXES[0],
             "manifests": [
                 {"mediaType": entry["mediaType"], "digest": entry["digest"],
                  "size": entry["size"], "annotations": entry["annotations"]}
                 for entry in listed]}
    files = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
             ("index.json", compact(index))]
    for folder in ("manifests", "docs", "rpms"):
        if (directory / folder).is_dir():
            for path in sorted((directory / folder).iterdir()):
                files.append((f"{folder}/{path.name}", path.read_bytes()))
    for wanted in (True, False):
        for digest in sorted(found):
            if found[digest] is wanted:
                files.append(("blobs/" + digest.replace(":", "/"),
                              blobs[digest]))
    return root, files


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def seconds(created):
    return int(datetime.datetime.strptime(
        created, "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=datetime.timezone.utc).timestamp())


def make(args):
    root, files = contents(pathlib.Path(args.directory), args)
    if args.like:
        liken(root, json.loads(Bundle(args.like).meta_text))
    executable = b""
    if args.elf:
        executable = pathlib.Path(args.elf).read_bytes()
        executable = executable[:elf_end(executable)]
        root["executable"] = {"digest": sha256(executable),
                              "size": len(executable)}
    root["files"] = [{"path": path, "size": len(data), "digest": sha256(data)}
                     for path, data in files]
    write_out(args, assemble(root, files, args.key, executable))


def assemble(root, files, key, executable=b"", signature=None):
    """The bytes of a bundle."""
    meta = json.dumps(root, separators=(",", ":"), sort_keys=True,
                      ensure_ascii=False).encode() + b"\n"
    if signature is None:
        signature = sign(meta, key) if key else UNSIGNED
    out = io.BytesIO()
    out.write(executable.ljust(padded(len(executable)), b"\0"))
    for path, data in [(META, meta), (SIGNATURE, signature), *files]:
        out.write(header(path, len(data), seconds(root["created"])))
        out.write(data.ljust(padded(len(data)), b"\0"))
    out.write(bytes(2 * BLOCK))
    return out.getvalue()


def write_out(args, data):
    if not args.split:
        out = pathlib.Path(args.out)
        out.write_bytes(data)
        out.chmod(0o755 if args.elf else 0o644)
        return
    for number, start in enumerate(range(0, len(data), args.split), 1):
        pathlib.Path(f"{args.out}.part{number:03}").write_bytes(
            data[start:start + args.split])


# --- checking one ---

class Bundle:
    """The bytes of a bundle and where in them everything lies. Raises Wrong
    unless each of them follows from the format."""

    def __init__(self, path):
        self.data = self.read(path)
        self.regions = []
        self.elf = elf_end(self.data)
        self.start = padded(self.elf)
        self.at = self.start
        if self.elf:
            self.region("elf", 0, self.elf, "")
            self.zeros("gap", self.elf, self.start, "")
        self.meta_text = self.first(META)
        self.meta = self.parse()
        self.mtime = seconds(self.meta["created"])
        self.at = self.start
        self.entry(META, len(self.meta_text))
        self.signature = self.first(SIGNATURE)
        self.entry(SIGNATURE, len(self.signature))
        self.files = {}
        for file in self.meta["files"]:
            self.files[file["path"]] = self.entry(file["path"], file["size"])
        end = self.at + 2 * BLOCK
        self.zeros("end", self.at, end, "")
        if end != len(self.data):
            raise Wrong(f"{len(self.data)} bytes in place of {end}")

    @staticmethod
    def read(path):
        path = pathlib.Path(path)
        if path.exists():
            return path.read_bytes()
        parts = sorted(path.parent.glob(path.name + ".part[0-9][0-9][0-9]"))
        names = [f"{path.name}.part{number + 1:03}"
                 for number in range(len(parts))]
        if not parts or [part.name for part in parts] != names:
            raise Wrong(f"{path}: the parts are {[p.name for p in parts]}")
        data = [part.read_bytes() for part in parts]
        if len({len(part) for part in data[:-1]}) > 1 or \
                not 0 < len(data[-1]) <= len(data[0]):
            raise Wrong(f"{path}: parts of different sizes")
        return b"".join(data)

    def region(self, kind, start, end, path):
        if end > len(self.data):
            raise Wrong(f"it ends within '{path}'")
        if end > start:
            self.regions.append((kind, start, end - start, path))
        return self.data[start:end]

    def zeros(self, kind, start, end, path):
        if any(self.region(kind, start, end, path)):
            raise Wrong(f"{kind} of '{path}': not zeros")

    def first(self, path):
        """What stands at the place of an entry of yet unknown size."""
        block = self.data[self.at:self.at + BLOCK]
        if len(block) < BLOCK or block[:100].rstrip(b"\0").decode() != path:
            raise Wrong(f"no '{path}' at {self.at}")
        size = int(block[124:135], 8)
        return self.data[self.at + BLOCK:self.at + BLOCK + size]

    def parse(self):
        def unique(pairs):
            if len({name for name, _ in pairs}) != len(pairs):
                raise Wrong(f"{META}: a member comes twice")
            return dict(pairs)
        meta = json.loads(self.meta_text, object_pairs_hook=unique)
        if meta["format"] != FORMAT:
            raise Wrong(f"format {meta['format']}")
        return meta

    def entry(self, path, size):
        where = self.at + BLOCK
        if self.region("header", self.at, where, path) != \
                header(path, size, self.mtime):
            raise Wrong(f"header of '{path}'")
        content = self.region("content", where, where + size, path)
        self.at = where + padded(size)
        self.zeros("padding", where + size, self.at, path)
        return content


def need(condition, what):
    if not condition:
        raise Wrong(what)


def check_files(bundle):
    meta = bundle.meta
    paths = [file["path"] for file in meta["files"]]
    need(len(set(paths)) == len(paths), "a path comes twice")
    need(paths[:2] == ["oci-layout", "index.json"], "the layout is not first")
    for file in meta["files"]:
        path = file["path"]
        need(set(file) == {"path", "size", "digest"}, f"members of '{path}'")
        need(re.fullmatch(
            r"oci-layout|index\.json|blobs/sha256/[0-9a-f]{64}|"
            r"(manifests|rpms|docs)/[^/\0]+", path) and
             not path.endswith(("/.", "/..")), f"path '{path}'")
        need(sha256(bundle.files[path]) == file["digest"],
             f"digest of '{path}'")
        if path.startswith("blobs/"):
            need(file["digest"] == path[6:].replace("/", ":"),
                 f"name of '{path}'")
    need(json.loads(bundle.files["oci-layout"]) ==
         {"imageLayoutVersion": "1.0.0"}, "oci-layout")
    if bundle.elf:
        need(meta["executable"] == {
            "digest": sha256(bundle.data[:bundle.elf]), "size": bundle.elf},
             "executable")
    else:
        need("executable" not in meta, "an executable that is not there")


def check_images(bundle):
    blobs = {path[6:].replace("/", ":"): data
             for path, data in bundle.files.items()
             if path.startswith("blobs/")}
    entries = json.loads(bundle.files["index.json"])["manifests"]
    found = {}
    for entry in entries:
        reachable(blobs, entry, found)
    need(set(found) == set(blobs), "blobs that no image has: " +
         " ".join(sorted(set(blobs) - set(found))))
    names = {(entry.get("annotations", {}).get(REF_NAME), entry["digest"])
             for entry in entries}
    named = {entry["digest"] for entry in entries}
    for release in bundle.meta["releases"]:
        need(release["manifests"] in bundle.files,
             f"manifests of {release['version']}")
        for image in release["images"]:
            name = f"registry.local/{image['name']}:"
            need((name + image["tag"], image["digest"]) in names,
                 f"index.json lacks {name}{image['tag']}")
            for artifact in image["artifacts"]:
                need(DIGEST.fullmatch(artifact["digest"]) and
                     artifact["digest"] in named and
                     (artifact["tag"] is None or
                      (name + artifact["tag"], artifact["digest"]) in names),
                     f"index.json lacks an artifact of {image['name']}")
    return [name for name, _ in names if name]


def check_signature(bundle, public):
    if bundle.signature == UNSIGNED:
        need(public is None, "unsigned")
        return
    need(len(bundle.signature) <= BLOCK and bundle.signature.endswith(b"\n"),
         "the signature is not one line")
    line = bundle.signature[:-1]
    raw = base64.b64decode(line, validate=True)
    need(base64.b64encode(raw) == line, "the signature's base64")
    if public is None:
        return
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place, "sig")
        path.write_bytes(raw)
        result = subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", public, "-signature",
             path], input=bundle.meta_text, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
    need(result.returncode == 0, f"openssl: {result.stdout.decode().strip()}")


def check_others(bundle, names):
    """tarfile, tar and skopeo, on the archive alone."""
    archive = bundle.data[bundle.start:]
    wanted = [META, SIGNATURE, *bundle.files]
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place, "bundle.tar")
        path.write_bytes(archive)
        with tarfile.open(path, "r:") as tar:
            need(tar.getnames() == wanted, "tarfile lists other files")
            for file, data in bundle.files.items():
                need(tar.extractfile(file).read() == data,
                     f"tarfile reads another '{file}'")
        result = subprocess.run(["tar", "-tf", path], text=True, check=False,
                                capture_output=True)
        need(result.returncode == 0 and not result.stderr and
             result.stdout.splitlines() == wanted,
             f"tar lists other files: {result.stderr}")
        for name in names if shutil.which("skopeo") else []:
            result = subprocess.run(
                ["skopeo", "--override-os", "linux", "--override-arch",
                 "amd64", "inspect", "--raw", f"oci-archive:{path}:{name}"],
                capture_output=True, check=False)
            need(result.returncode == 0 and
                 sha256(result.stdout) in bundle.meta_text.decode(),
                 f"skopeo inspect {name}: {result.stderr.decode()}")


def check(args):
    bundle = Bundle(args.file)
    check_files(bundle)
    names = check_images(bundle)
    check_signature(bundle, args.pub)
    check_others(bundle, names)
    print(f"{len(bundle.files)} files, {len(bundle.data)} bytes,",
          sha256(bundle.meta_text))


def show_map(args):
    for kind, start, size, path in Bundle(args.file).regions:
        print(kind, start, size, path)


def sign_again(args):
    bundle = Bundle(args.file)
    signature = sign(bundle.meta_text, args.key)
    place = bundle.start + BLOCK + padded(len(bundle.meta_text))
    with open(args.file, "r+b") as file:
        file.seek(place)
        file.write(header(SIGNATURE, len(signature), bundle.mtime) +
                   signature.ljust(BLOCK, b"\0"))


def show_meta(args):
    sys.stdout.buffer.write(Bundle(args.file).meta_text)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("make")
    command.set_defaults(run=make)
    command.add_argument("directory")
    command.add_argument("out")
    command.add_argument("--key")
    command.add_argument("--elf")
    command.add_argument("--split", type=int)
    command.add_argument("--builder", default="0.0.0")
    command.add_argument("--created", type=int)
    command.add_argument("--like")
    command = commands.add_parser("check")
    command.set_defaults(run=check)
    command.add_argument("file")
    command.add_argument("--pub")
    for name, run in (("map", show_map), ("meta", show_meta)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("file")
    command = commands.add_parser("sign")
    command.set_defaults(run=sign_again)
    command.add_argument("file")
    command.add_argument("key")
    args = parser.parse_args()
    try:
        args.run(args)
    except (Wrong, KeyError, ValueError, OSError) as fault:
        sys.exit(f"bundle.py: {getattr(args, 'file', args.run.__name__)}: "
                 f"{fault!r}")


if __name__ == "__main__":
    main()
