#!/usr/bin/python3
"""typist: runs a program at a terminal and types when it asks.

    typist.py [--type LINE]... COMMAND ARG...

Types the next LINE each time the program has turned the echo off and asked.
What the terminal showed goes to standard output; ends as the program ends.
"""

import argparse
import os
import pty
import select
import sys
import termios
import time

TIMEOUT = 20


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def run(command, lines):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown, end = b"", time.monotonic() + TIMEOUT
    asked = 0
    while time.monotonic() < end:
        readable, _, _ = select.select([terminal], [], [], 0.05)
        if readable:
            try:
                data = os.read(terminal, 4096)
            except OSError:  # it has gone
                break
            shown += data
        elif lines and shown.count(b": ") > asked and not echoes(terminal):
            asked = shown.count(b": ")
            os.write(terminal, lines.pop(0).encode() + b"\n")
    else:
        os.kill(pid, 9)
    status = os.waitpid(pid, 0)[1]
    sys.stdout.buffer.write(shown)
    return os.waitstatus_to_exitcode(status)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--type", action="append", default=[])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    sys.exit(run(args.command, args.type))


main()
