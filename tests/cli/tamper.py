#!/usr/bin/python3
"""tamper: spoils a bundle bit by bit, and shows that each is refused.

    tamper.py flips FILE --count N --seed S -- PROGRAM ARG...
    tamper.py truncations FILE --count N --seed S -- PROGRAM ARG...

Runs the program on FILE, which it spoils in place and mends again: one bit
each time, spread over all kinds of regions as well as over all bytes; or the
file cut off, at and around each border and at random places. The program has
to end with exit code 9 each time, with a message and within 20 s (1 is as
good where not even the beginning of a bundle is left to be seen); with
--any in whichever way, but not well. Prints how many were tried, and what
was not refused; exits 1 if anything was not.
"""

import argparse
import collections
import os
import pathlib
import random
import subprocess
import sys
import time

import bundle
DEADLINE = 20


# --- spoiling in place ---

class Trial:
    def __init__(self, args):
        self.command = args.command
        self.any = args.any
        self.tried = collections.Counter()
        self.codes = collections.Counter()
        self.slowest = 0
        self.faults = []

    def refused(self, group, what, lenient):
        """Runs the program on what was spoiled."""
        self.tried[group] += 1
        start = time.monotonic()
        try:
            result = subprocess.run(
                self.command, stdin=subprocess.DEVNULL, capture_output=True,
                timeout=DEADLINE, check=False)
        except subprocess.TimeoutExpired:
            self.faults.append(f"{what}: still ran after {DEADLINE} s")
            return
        except PermissionError:
            raise
        except OSError as fault:    # what was an executable is none
            result = subprocess.CompletedProcess(
                self.command, 126, b"", str(fault).encode())
        self.slowest = max(self.slowest, time.monotonic() - start)
        self.codes[result.returncode] += 1
        text = result.stderr.decode(errors="replace").strip()
        if self.any:
            good = result.returncode != 0
        else:
            good = "\ndws-csm: " in "\n" + text and (
                result.returncode == 9 or lenient and result.returncode == 1)
        if not good:
            self.faults.append(f"{what}: exit code {result.returncode}: {text}")

    def finish(self):
        groups = ", ".join(f"{count} {group}"
                           for group, count in self.tried.items())
        codes = ", ".join(f"{code} {count} times"
                          for code, count in sorted(self.codes.items()))
        print(f"{sum(self.tried.values())} tried ({groups}); exit codes",
              f"{codes}; slowest {self.slowest * 1000:.0f} ms")
        for fault in self.faults[:20]:
            print("NOT REFUSED:", fault)
        sys.exit(1 if self.faults else 0)


def group_of(kind, path):
    """What a region's flips are counted as."""
    if kind != "content":
        return {"header": "headers", "elf": "executable"}.get(kind, kind)
    if path.startswith("blobs/"):
        return "blobs"
    return path.split("/")[0]


def begins_bundle(regions, place):
    """Whether what makes a file look like a bundle is there: a change before
    the end of the first header, or in the header of the ELF file."""
    if regions[0][0] == "elf" and place < 64:
        return True
    first = next(region for region in regions if region[0] == "header")
    return first[1] <= place < first[1] + first[2]


def sample_bits(regions, count, dice):
    """Half of them spread over all bytes, half over all kinds."""
    groups = collections.defaultdict(list)
    for kind, start, size, path in regions:
        groups[group_of(kind, path)].append((start, size))
    total = max(start + size for _, start, size, _ in regions)
    bits = {dice.randrange(total * 8) for _ in range(count // 2)}
    names = sorted(groups)
    while len(bits) < count:
        start, size = dice.choice(groups[names[len(bits) % len(names)]])
        first, last = start * 8, (start + size) * 8 - 1
        # Borders are where most mistakes live.
        bits.add(dice.choice((first, last, *(
            dice.randint(first, last) for _ in range(8)))))
    return sorted(bits)


def region_at(regions, place):
    for kind, start, size, path in regions:
        if start <= place < start + size:
            return kind, path
    return None, None


def write_at(path, place, data):
    # Closed each time: what is open for writing cannot be run.
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(data)


def flips(args):
    whole = bundle.Bundle(args.file)
    regions = whole.regions
    trial = Trial(args)
    bits = sample_bits(regions, args.count, random.Random(args.seed))
    for bit in bits:
        place = bit // 8
        kind, path = region_at(regions, place)
        old = whole.data[place:place + 1]
        new = bytes([old[0] ^ 1 << bit % 8])
        write_at(args.file, place, new)
        trial.refused(group_of(kind, path), f"bit {bit} ({kind} {path})",
                      begins_bundle(regions, place))
        write_at(args.file, place, old)
    trial.finish()


def truncations(args):
    whole = bundle.Bundle(args.file)
    borders = {0}
    for _, start, size, _ in whole.regions:
        for border in (start, start + size):
            borders |= {border - 1, border, border + 1, border - 512,
                        border + 512, bundle.padded(border)}
    dice = random.Random(args.seed)
    size = len(whole.data)
    lengths = {length for length in borders if 0 <= length < size}
    lengths |= {dice.randrange(size) for _ in range(args.count)}
    # Without what is behind it, the executable is one that carries nothing.
    if whole.elf:
        lengths.discard(whole.elf)
    trial = Trial(args)
    for length in sorted(lengths, reverse=True):
        os.truncate(args.file, length)
        trial.refused("lengths", f"cut to {length} bytes",
                      length < whole.start + bundle.BLOCK)
    pathlib.Path(args.file).write_bytes(whole.data)
    trial.finish()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, run in (("flips", flips), ("truncations", truncations)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("file")
        command.add_argument("--count", type=int, required=True)
        command.add_argument("--seed", type=int, required=True)
        command.add_argument("--any", action="store_true")
        command.add_argument("command", nargs="+")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
