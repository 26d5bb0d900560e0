#!/usr/bin/python3
"""own-root CMD [ARG...]

Runs CMD in a mount namespace whose root can be remounted, for ./sandbox in a
chroot: the root of one is a plain folder of some mount outside, and unshare
cannot make that private.  This goes out to the namespace's own root, makes
everything private there, and comes back into the folder, bound onto itself.
Nothing that is mounted here is seen outside.
"""

import ctypes
import os
import sys

CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    if getattr(libc, name)(*args) != 0:
        number = ctypes.get_errno()
        sys.exit("own-root: %s: %s" % (name, os.strerror(number)))


def mount(source, target, flags):
    call("mount", source, target, None, ctypes.c_ulong(flags), None)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    cwd = os.getcwd()
    call("unshare", CLONE_NEWNS)
    # Only now: a folder of the old namespace can be no mount point here.
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    # Entering a mount namespace, even the same one, leads to its root.
    call("setns", os.open("/proc/self/ns/mnt", os.O_RDONLY), CLONE_NEWNS)
    mount(None, b"/", MS_REC | MS_PRIVATE)
    os.fchdir(root)
    mount(b".", b".", MS_BIND | MS_REC)
    # By its path, since "." is still what is now covered.
    os.chdir(os.getcwd())
    os.chroot(".")
    os.chdir(cwd)
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
