"""Shut this process in and become the graph database: no network, nothing to read but software, one folder to write to.

Run as `python -m workers.sandbox.graph_server <folder> <address space in bytes> <program> <argument>...`
"""

import os
import resource
import sys
from contextlib import suppress

from workers.parse import walls


def main() -> None:
    folder, memory, *command = sys.argv[1:]
    walls.die_with_parent()
    for build in (walls.leave_network, lambda: walls.lock_files(readable=("/proc", "/sys"), writable=(folder,))):
        with suppress(OSError):  # not offered by this kernel or container; limits and the keeper's clock still hold
            build()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
