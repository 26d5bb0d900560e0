#!/usr/bin/python3
"""report.py TABLE DIR

Writes DIR/bench.md and DIR/bench.svg out of the table that run prints.
"""

import os
import re
import sys

ROW = re.compile(r"(.+?)\s{2,}(\S+ \S+)\s+(-|\S+ \S+)\s+(-|\S+x)\s+"
                 r"(-|\S+x|\S+ \S+)\s*(PASS|FAIL)?$")
HEAD = """# Measured

`make bench` runs dws-csm and the tools that people use in its place in turns,
on one machine with %d processors, all files in memory, registry and client
beside each other. The median of several turns counts. "Other" is skopeo; where
the name says so, openssl. A target with an x is a ratio.

| What | dws-csm | other | ratio | target | |
|---|---|---|---|---|---|
"""
LINE, LEFT, WIDTH = 26, 230, 300


def read(path):
    with open(path) as file:
        for line in file:
            match = ROW.match(line.rstrip())
            if match:
                yield [cell or "" for cell in match.groups()]


def bar(y, share, color, text):
    return ('<rect x="%d" y="%d" width="%.0f" height="9" fill="%s"/>'
            '<text x="%.0f" y="%d">%s</text>' % (
                LEFT, y, max(1, share * WIDTH), color,
                LEFT + 5 + share * WIDTH, y + 8, text))


def plot(rows):
    rows = [row for row in rows if row[2] != "-"]
    yield ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="10">' % (
               LEFT + WIDTH + 80, LINE * len(rows) + 30))
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield ('<text x="%d" y="14" fill="#1f6fb4">dws-csm</text>'
           '<text x="%d" y="14" fill="#888">other</text>' % (
               LEFT, LEFT + 60))
    for number, (name, ours, theirs, *_) in enumerate(rows):
        y = 22 + number * LINE
        values = [float(cell.split()[0]) for cell in (ours, theirs)]
        top = max(values) or 1
        yield '<text x="%d" y="%d" text-anchor="end">%s</text>' % (
            LEFT - 8, y + 13, name)
        yield bar(y, values[0] / top, "#1f6fb4", ours)
        yield bar(y + 10, values[1] / top, "#bbb", theirs)
    yield "</svg>"


def main():
    rows = list(read(sys.argv[1]))
    with open(os.path.join(sys.argv[2], "bench.md"), "w") as file:
        file.write(HEAD % os.cpu_count())
        for row in rows:
            file.write("| %s |\n" % " | ".join(row))
        file.write("\n![the same as bars, each pair in proportion]"
                   "(bench.svg)\n")
    with open(os.path.join(sys.argv[2], "bench.svg"), "w") as file:
        file.write("\n".join(plot(rows)) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
