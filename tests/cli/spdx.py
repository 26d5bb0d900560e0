#!/usr/bin/python3
"""spdx: checks a bill of materials against SPDX 2.3, and against its bundle.

    spdx.py SBOM BUNDLE.JSON [DIR]

SBOM is what `bundle inspect --sbom` printed. Each field that SPDX demands is
there and has the form it demands, each element that is named exists, each is
reached from the document. Each image, artifact, RPM and document of
BUNDLE.JSON is in it with its digest, which is that of the file in DIR, where
the bundle was extracted to.
"""

import hashlib
import json
import pathlib
import re
import sys

DOCUMENT = "SPDXRef-DOCUMENT"
# SPDX 2.3, 6.9, 7.24 and 11.1: those of the latter that are used.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PURPOSES = {"APPLICATION", "FRAMEWORK", "LIBRARY", "CONTAINER", "OTHER",
            "OPERATING-SYSTEM", "DEVICE", "FIRMWARE", "SOURCE", "ARCHIVE",
            "FILE", "INSTALL"}
RELATIONSHIPS = {"DESCRIBES", "CONTAINS", "STATIC_LINK", "METAFILE_OF",
                 "BUILD_TOOL_OF", "DEPENDS_ON"}
PURL = re.compile(r"pkg:(oci|rpm)/[A-Za-z0-9.%_~-]+@[A-Za-z0-9.%_~:-]+\?\S+")


def need(condition, what):
    if not condition:
        sys.exit(f"spdx.py: {what}")


def check_document(sbom):
    need(sbom["spdxVersion"] == "SPDX-2.3", "6.1: spdxVersion")
    need(sbom["dataLicense"] == "CC0-1.0", "6.2: dataLicense")
    need(sbom["SPDXID"] == DOCUMENT, "6.3: SPDXID")
    need(sbom["name"], "6.4: name")
    need(re.fullmatch(r"https?://[^#\s]+", sbom["documentNamespace"]),
         "6.5: documentNamespace is a URI without '#'")
    creation = sbom["creationInfo"]
    need(TIME.fullmatch(creation["created"]), "6.9: created")
    need(creation["creators"], "6.8: creators")
    for creator in creation["creators"]:
        need(re.match(r"(Person|Organization|Tool): \S", creator),
             f"6.8: creator {creator}")


def check_package(package):
    name = package["SPDXID"]
    need(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name), f"7.2: {name}")
    need(package["name"], f"7.1: name of {name}")
    need(package["downloadLocation"] == "NOASSERTION", f"7.7: {name}")
    need(package["filesAnalyzed"] is False, f"7.8: {name} lists no files")
    need(package.get("primaryPackagePurpose", "OTHER") in PURPOSES,
         f"7.24: {name}")
    for checksum in package.get("checksums", []):
        need(checksum["algorithm"] == "SHA256" and re.fullmatch(
            "[0-9a-f]{64}", checksum["checksumValue"]), f"7.10: {name}")
    for reference in package.get("externalRefs", []):
        need(reference["referenceCategory"] == "PACKAGE-MANAGER" and
             reference["referenceType"] == "purl" and
             PURL.fullmatch(reference["referenceLocator"]),
             f"7.21: {name}: {reference}")


def check_relationships(sbom):
    ids = [package["SPDXID"] for package in sbom["packages"]]
    need(len(ids) == len(set(ids)), "SPDXIDs are not unique")
    reached, edges = {DOCUMENT}, []
    for edge in sbom["relationships"]:
        ends = edge["spdxElementId"], edge["relatedSpdxElement"]
        need(edge["relationshipType"] in RELATIONSHIPS, f"11.1: {edge}")
        for end in ends:
            need(end == DOCUMENT or end in ids, f"there is no {end}")
        edges.append(ends)
    for _ in edges:
        for one, other in edges:
            if one in reached or other in reached:
                reached |= {one, other}
    need(reached >= set(ids), f"not reached: {set(ids) - reached}")


def digest_of(package):
    return "sha256:" + package["checksums"][0]["checksumValue"]


def check_contents(sbom, bundle):
    have = {digest_of(package) for package in sbom["packages"]
            if "checksums" in package}
    want = set()
    for release in bundle["releases"]:
        for image in release["images"]:
            want.add(image["digest"])
            want |= {artifact["digest"] for artifact in image["artifacts"]}
    for file in bundle["files"]:
        if file["path"].startswith(("rpms/", "docs/", "manifests/")):
            want.add(file["digest"])
    if "executable" in bundle:
        want.add(bundle["executable"]["digest"])
    need(have == want, f"contents differ: {have ^ want}")
    linked = {(package["name"], package.get("versionInfo"))
              for package in sbom["packages"]
              if package["SPDXID"].startswith("SPDXRef-Library-")}
    need(linked == {(library["name"], library["version"])
                    for library in bundle["libraries"]}, "libraries")


def check_files(sbom, directory):
    for package in sbom["packages"]:
        if "packageFileName" not in package:
            continue
        data = pathlib.Path(directory, package["packageFileName"]).read_bytes()
        need(digest_of(package) == "sha256:" + hashlib.sha256(data).hexdigest(),
             f"digest of {package['packageFileName']}")


def main():
    sbom = json.loads(pathlib.Path(sys.argv[1]).read_text())
    bundle = json.loads(pathlib.Path(sys.argv[2]).read_text())
    check_document(sbom)
    for package in sbom["packages"]:
        check_package(package)
    check_relationships(sbom)
    check_contents(sbom, bundle)
    if len(sys.argv) > 3:
        check_files(sbom, sys.argv[3])


main()
