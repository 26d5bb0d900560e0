#!/usr/bin/python3
"""forge: makes of a bundle what an attacker would.

    forge.py FILE KEY OTHER-KEY OTHER-FILE DIR

FILE, a plain bundle, is signed by KEY, as is OTHER-FILE. Writes into DIR

    refused/NAME    what is made without KEY: none of it may be believed
    broken/NAME     what only the owner of KEY can make: wrong, and nothing
                    may trip over it
    good/NAME       odd, and right all the same
    shown/NAME      unsigned, with texts that a terminal would obey
"""

import base64
import collections
import json
import pathlib
import sys

import bundle

# The order of the curve P-256.
ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551


class Forger:
    def __init__(self, file, key, other_key, other_file, directory):
        self.whole = bundle.Bundle(file)
        self.data = self.whole.data
        self.key = key
        self.other_key = other_key
        self.other = bundle.Bundle(other_file)
        self.place = pathlib.Path(directory)
        self.regions = {(kind, path): (start, size) for kind, start, size, path
                        in self.whole.regions}

    def put(self, kind, name, data):
        path = self.place / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def replaced(self, start, data):
        return self.data[:start] + data + self.data[start + len(data):]

    def entry(self, path):
        """Where header, content and padding lie."""
        start, _ = self.regions["header", path]
        content, size = self.regions["content", path]
        return start, content + bundle.padded(size)

    def forge(self):
        self.lengths()
        self.order()
        self.headers()
        self.signatures()
        self.documents()

    # What is behind, before and in between.
    def lengths(self):
        extra = bundle.header("docs/more", 3, self.whole.mtime) + \
            b"hi\n".ljust(512, b"\0")
        end = len(self.data) - 2 * bundle.BLOCK
        for name, data in {
                "a byte behind": self.data + b"\0",
                "a block of zeros behind": self.data + bytes(512),
                "a whole record of tar": self.data.ljust(
                    -(-len(self.data) // 10240) * 10240 + 10240, b"\0"),
                "itself behind": self.data + self.data,
                "an entry behind the end": self.data + extra + bytes(1024),
                "an entry before the end": self.data[:end] + extra +
                self.data[end:],
                "an entry in front": extra + self.data,
                "a block of zeros in front": bytes(512) + self.data,
                "without the end": self.data[:end],
                "with one block of the end": self.data[:end + 512]}.items():
            self.put("refused", name, data)

    # Files in other places than they have.
    def order(self):
        sizes = collections.defaultdict(list)
        for path, content in self.whole.files.items():
            if path.startswith("blobs/"):
                sizes[len(content)].append(path)
        pair = next(paths for size, paths in sorted(
            sizes.items(), reverse=True) if len(paths) > 1)
        first, second = sorted(
            pair, key=lambda path: self.regions["content", path][0])[:2]
        (a, a_end), (b, b_end) = self.entry(first), self.entry(second)
        self.put("refused", "blobs with their headers exchanged",
                 self.data[:a] + self.data[b:b_end] + self.data[a_end:b] +
                 self.data[a:a_end] + self.data[b_end:])
        exchanged = self.replaced(a + 512, self.whole.files[second])
        self.put("refused", "contents of equal size exchanged",
                 exchanged[:b + 512] + self.whole.files[first] +
                 exchanged[b + 512 + len(self.whole.files[first]):])
        last = self.whole.meta["files"][-1]["path"]
        start, end = self.entry(last)
        self.put("refused", "the last file left out",
                 self.data[:start] + self.data[end:])
        self.put("refused", "the last file twice",
                 self.data[:end] + self.data[start:])

    # Headers that say something else, or the same in another way.
    def headers(self):
        path = self.whole.meta["files"][-1]["path"]
        start, _ = self.regions["header", path]
        sound = self.data[start:start + 512]
        for name, (place, value) in {
                "mode setuid": (100, b"0004755\0"),
                "mode in other digits": (100, b"000644 \0"),
                "an owner": (108, b"0001750\0"),
                "another time": (136, b"%011o\0" % (self.whole.mtime + 1)),
                "type of old": (156, b"\0"),
                "a link": (156, b"2"),
                "a link's target": (157, b"/etc/passwd"),
                "magic of GNU": (257, b"ustar  \0"),
                "an owner's name": (265, b"root"),
                "a device": (329, b"0000001\0"),
                "a prefix": (345, b"../.."),
                "text in the last bytes": (500, b"more"),
                "a path outside": (0, b"../../etc/passwd\0"),
                "size in base 256": (124, b"\x80" + len(
                    self.whole.files[path]).to_bytes(11, "big")),
                "a larger size": (124, b"%011o\0" % (
                    len(self.whole.files[path]) + 512))}.items():
            block = sound[:place] + value + sound[place + len(value):]
            block = block[:148] + b" " * 8 + block[156:]
            block = block[:148] + b"%06o\0 " % sum(block) + block[156:]
            self.put("refused", "header: " + name,
                     self.replaced(start, block))
        self.put("refused", "header: checksum in other digits",
                 self.replaced(start + 148, b"%07o\0" % sum(
                     sound[:148] + b" " * 8 + sound[156:])))

    def with_signature(self, text):
        start, end = self.entry(bundle.SIGNATURE)
        return self.data[:start] + bundle.header(
            bundle.SIGNATURE, len(text), self.whole.mtime) + text.ljust(
                bundle.padded(len(text)), b"\0") + self.data[end:]

    def signatures(self):
        meta = self.whole.meta_text
        text = self.whole.signature
        line = text[:-1]
        raw = base64.b64decode(line)
        for name, forged in {
                "none": b"",
                "a blank line": b"\n",
                "the word unsigned": bundle.UNSIGNED,
                "the word without its end": b"unsigned",
                "of a foreign key": bundle.sign(meta, self.other_key),
                "of another bundle": self.other.signature,
                "of an empty text": bundle.sign(b"", self.key),
                "without the end of the line": line,
                "two ends of the line": text + b"\n",
                "end of the line as on DOS": line + b"\r\n",
                "a blank before": b" " + text,
                "a blank behind": line + b" \n",
                "broken in two lines": line[:40] + b"\n" + line[40:] + b"\n",
                "more base64 behind": line + b"AAAA\n",
                "behind a NUL": line + b"\0AAAA\n",
                "twice": text + text,
                "bits of filling": self.filled(raw),
                "not base64": b"*" * 96 + b"\n",
                "two blocks": line.ljust(600, b"A") + b"\n",
                "the hash in place of it": base64.b64encode(
                    bytes.fromhex(bundle.sha256(meta)[7:])) + b"\n",
        }.items():
            self.put("refused", "signature: " + name,
                     self.with_signature(forged))
        self.numbers(raw)

    @staticmethod
    def filled(raw):
        """Other text that decodes to the same: bits that are thrown away."""
        alphabet = (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                    b"0123456789+/")
        line = base64.b64encode(raw)
        if not line.endswith(b"="):     # needs filling to have any
            return line.rstrip(b"\n") + b"=\n"
        place = len(line.rstrip(b"=")) - 1
        other = alphabet[alphabet.index(line[place]) | 1]
        return line[:place] + bytes([other]) + line[place + 1:] + b"\n"

    # The pair of numbers that a signature is, told otherwise.
    def numbers(self, raw):
        def integer(number, zeros=0):
            data = number.to_bytes(number.bit_length() // 8 + 1, "big")
            data = bytes(zeros) + data
            return b"\x02" + bytes([len(data)]) + data

        def pair(data):
            return b"\x30" + bytes([len(data)]) + data

        size = raw[3]
        r = int.from_bytes(raw[4:4 + size], "big")
        s = int.from_bytes(raw[6 + size:], "big")
        body = integer(r) + integer(s)
        if pair(body) != raw:
            raise bundle.Wrong("the signature is not DER")
        for name, data in {
                "r of zero": pair(integer(0) + integer(s)),
                "both zero": pair(integer(0) + integer(0)),
                "both one": pair(integer(1) + integer(1)),
                "r beyond the order": pair(integer(r + ORDER) + integer(s)),
                "s beyond the order": pair(integer(r) + integer(s + ORDER)),
                "exchanged": pair(integer(s) + integer(r)),
                "zeros before r": pair(integer(r, 1) + integer(s)),
                "zeros before s": pair(integer(r) + integer(s, 1)),
                "a third number": pair(body + integer(1)),
                "slack behind": raw + b"\0",
                "a long form of the length": b"\x30\x81" + raw[1:],
                "a length without end": b"\x30\x80" + body + b"\0\0",
                "a set": b"\x31" + raw[1:],
                "a length too large": bytes([0x30, len(body) + 1]) + body,
                "cut off": raw[:-1],
                "bare numbers": r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        }.items():
            self.put("refused", "signature: " + name,
                     self.with_signature(base64.b64encode(data) + b"\n"))
        # Whoever signs may come out at either; openssl takes both.
        self.put("good", "signature with s negated", self.with_signature(
            base64.b64encode(pair(integer(r) + integer(ORDER - s))) + b"\n"))

    # bundle.json changed: by others, and by whoever may sign.
    def documents(self):
        root = self.whole.meta

        def made(change, key=self.key, signature=None):
            document = json.loads(self.whole.meta_text)
            change(document)
            return bundle.assemble(document, self.renamed(document), key,
                                   signature=signature)

        def signed_by_none(document):
            document["releases"][0]["images"][0]["source"] = "docker://evil"

        old = self.whole.signature
        self.put("refused", "bundle.json changed, with the old signature",
                 made(signed_by_none, signature=old))
        self.put("refused", "bundle.json changed, unsigned",
                 made(signed_by_none, None))
        self.put("refused", "bundle.json of a foreign key",
                 made(signed_by_none, self.other_key))
        self.put("refused", "bundle.json with a blank behind",
                 self.packed([(bundle.META, self.whole.meta_text + b" "),
                              (bundle.SIGNATURE, old),
                              *self.whole.files.items()]))
        self.put("good", "members that are not known", made(
            lambda document: document.update(later={"a": [1]})))
        for name, change in self.breakages(root).items():
            try:
                self.put("broken", name, made(change))
            except bundle.Wrong:
                pass
        self.texts()
        self.put("shown", "escapes", made(self.escapes, None))

    @staticmethod
    def escapes(document):
        """Puts an escape sequence into all that is shown and not checked."""
        evil = "\x1b[31mx"
        document["builder"] = {"name": evil, "version": evil, "commit": evil}
        document["platforms"] = [evil]
        document["libraries"] = [{"name": evil, "version": evil}]
        for release in document["releases"]:
            release.update(storageVersion=evil, workloadManagerRole=evil)
            release["source"].update(type=evil, name=evil, commit=evil)
            for image in release["images"]:
                image.update(source=evil, repository=evil)

    def renamed(self, document):
        """The files under the names that bundle.json has now, as far as
        headers can hold them: nothing else is to be wrong."""
        files = list(self.whole.files.items())
        if len(document.get("files", ())) == len(files):
            for number, entry in enumerate(document["files"]):
                path = entry["path"]
                if isinstance(path, str) and 0 < len(path) <= 100:
                    files[number] = (path, files[number][1])
        return files

    def packed(self, files):
        return b"".join(
            bundle.header(path, len(data), self.whole.mtime) +
            data.ljust(bundle.padded(len(data)), b"\0")
            for path, data in files) + bytes(1024)

    @staticmethod
    def breakages(root):
        last = next(number for number, entry in enumerate(root["files"])
                    if entry["path"].startswith("docs/"))

        def file(number=last, **members):
            return lambda document: document["files"][number].update(members)

        def top(**members):
            return lambda document: document.update(members)

        def image(**members):
            return lambda document: document["releases"][0]["images"][
                0].update(members)

        def release(**members):
            return lambda document: document["releases"][0].update(members)

        def gone(name):
            return lambda document: document.pop(name)

        nothing = "sha256:" + "0" * 64
        return {
            "path: outside": file(path="../../etc/passwd"),
            "path: dots within": file(path="docs/../../x"),
            "path: absolute": file(path="/etc/passwd"),
            "path: empty": file(path=""),
            "path: a dot": file(path="."),
            "path: two slashes": file(path="docs//x"),
            "path: a slash behind": file(path="docs/x/"),
            "path: with a NUL": file(path="docs/x\0y"),
            "path: with a line's end": file(path="docs/x\ny"),
            "path: with an escape": file(path="docs/\x1b[2Jx"),
            "path: twice": file(path=root["files"][0]["path"]),
            "path: bundle.json": file(path="bundle.json"),
            "path: the signature": file(path="bundle.json.sig"),
            "path: a blob of another digest":
                file(path="blobs/sha256/" + "0" * 64),
            "path: a blob that is none": file(path="blobs/sha256/x"),
            "path: of 300 bytes": file(path="docs/" + "x" * 295),
            "path: a number": file(path=7),
            "size: negative": file(size=-1),
            "size: one more": file(size=root["files"][last]["size"] + 1),
            "size: 2^63": file(size=2**63),
            "size: 2^63-1": file(size=2**63 - 1),
            "size: 2^63-513": file(size=2**63 - 513),
            "size: 2^64": file(size=2**64),
            "size: text": file(size="10"),
            "size: a fraction": file(size=1.5),
            "size: 1e3": file(size=1e3),
            "size: sum of two overflows": lambda document: [
                entry.update(size=2**63 - 512)
                for entry in document["files"][-2:]],
            "digest: of nothing that is there": file(digest=nothing),
            "digest: upper case": file(
                digest=root["files"][last]["digest"].upper()),
            "digest: another algorithm": file(digest="md5:" + "0" * 32),
            "digest: too short": file(digest=nothing[:-1]),
            "digest: none": file(digest=None),
            "format: another": top(format="dws-csm.io/bundle/v2"),
            "format: with an escape": top(format="\x1b[2J"),
            "format: none": gone("format"),
            "format: a number": top(format=1),
            "executable: not there": top(
                executable={"digest": nothing, "size": 4096}),
            "executable: of no bytes": top(
                executable={"digest": nothing, "size": 0}),
            "executable: text": top(executable="yes"),
            "files: none": gone("files"),
            "files: an object": top(files={}),
            "files: empty": top(files=[]),
            "files: one is text": lambda document:
                document["files"].append("docs/x"),
            "releases: none": gone("releases"),
            "releases: empty": top(releases=[]),
            "releases: twice": lambda document:
                document["releases"].append(document["releases"][0]),
            "release: no version": release(version=None),
            "release: a version that is a path": release(version="../../x"),
            "release: an empty version": release(version=""),
            "release: manifests that are not there":
                release(manifests="manifests/9.yaml"),
            "release: images are text": release(images="all"),
            "image: a digest that is not there": image(digest=nothing),
            "image: the digest is no digest": image(digest="latest"),
            "image: a type that ends the line": image(
                mediaType=bundle.MANIFESTS[0] + "\r\nX-Evil: 1"),
            "image: no name": image(name=None),
            "image: a name that leads out": image(name="../x"),
            "image: a tag that leads out": image(tag="../../x"),
            "image: artifacts are text": image(artifacts="x"),
            "image: an artifact that is not there": image(artifacts=[
                {"tag": None, "digest": nothing, "artifactType": None,
                 "mediaType": bundle.MANIFESTS[0]}]),
            "image: an artifact's tag leads out": image(artifacts=[
                {"tag": "../../x", "digest":
                 root["releases"][0]["images"][0]["digest"],
                 "artifactType": None, "mediaType": bundle.MANIFESTS[0]}]),
        }

    # bundle.json that json.dumps would not print.
    def texts(self):
        text = self.whole.meta_text.rstrip()
        created = json.dumps(self.whole.meta["created"]).encode()
        deep = b'{"x":' + b"[" * 100000 + b"]" * 100000 + b"," + text[1:]
        for name, changed in {
                "text: deeper than any": deep,
                "text: cut": text[:-1],
                "text: more behind": text + b"{}",
                "text: a member twice": b'{"format":"x",' + text[1:],
                "text: not UTF-8": text[:-1] + b',"x":"\xff"}',
                "text: with a NUL": text[:-1] + b',"x":"\\u0000"}',
                "text: a list": b"[" + text + b"]",
                "text: empty": b"",
                "text: larger than the limit":
                    text + b" " * (9 << 20),
                "created: a word": text.replace(created, b'"today"'),
                "created: a number": text.replace(created, b"0"),
                "created: month 13": text.replace(
                    created, b'"2026-13-01T00:00:00Z"'),
                "created: before 1970": text.replace(
                    created, b'"1969-12-31T23:59:59Z"'),
                "created: year 99999": text.replace(
                    created, b'"99999-01-01T00:00:00Z"'),
                "created: more behind": text.replace(
                    created, created[:-1] + b' "')}.items():
            self.put("broken", name, self.packed(
                [(bundle.META, changed),
                 (bundle.SIGNATURE, bundle.sign(changed, self.key)),
                 *self.whole.files.items()]))


if len(sys.argv) != 6:
    sys.exit(__doc__)
Forger(*sys.argv[1:]).forge()
