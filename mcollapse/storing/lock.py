"""Who writes a store: one process at a time."""

import contextlib
import os
import pathlib
import socket
from typing import Any


def locked(path: pathlib.Path) -> Any:
    """The lock of a store, free again once it is closed or its holder dies, whatever of.

    Raises:
        ValueError: another run is writing the store, or it cannot be written.
    """
    import fcntl  # of POSIX alone

    try:
        lock = open(path / "lock", "a+")
    except OSError as error:
        raise ValueError(
            f"{path / 'lock'} cannot be written ({error.strerror or error}), so that {path} cannot: choose "
            "another store, or have it made yours"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "another process"
        lock.close()
        raise ValueError(
            f"{path} is being written by {holder}: wait until it ends, or choose another store"
        ) from None
    except OSError:
        lock.close()
        raise
    with contextlib.suppress(OSError):  # who it is helps, and is not needed
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        lock.flush()
    return lock
