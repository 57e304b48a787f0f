"""Compiled programs kept on a disk, so that the same command compiles nothing a second time.

For the command line alone: who uses the library decides on JAX's cache himself. JAX's own settings hold
where they are given: `JAX_COMPILATION_CACHE_DIR`, `JAX_ENABLE_COMPILATION_CACHE=false` and the rest.
"""

import contextlib
import hashlib
import math
import os
import pathlib
import platform
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

MOST_BYTES = 2**30
"""Of all programs kept: the oldest go first."""


@contextlib.contextmanager
def remembered_programs(wanted: bool = True, writing: bool = True) -> Iterator[None]:
    """Inside it, JAX looks for compiled programs on the disk and, `writing`, leaves there what it compiles.

    A directory that cannot be written costs a line on standard error and nothing else.
    """
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    given = _setting("jax_compilation_cache_dir")
    directory = pathlib.Path(given) if given else _directory()
    wanted = wanted and _setting("jax_enable_compilation_cache")
    if not writing:
        wanted = wanted and directory.is_dir()
    elif wanted and (fault := _not_writable(directory)):
        print(f"programs are compiled anew: {directory} cannot be written ({fault})", file=sys.stderr)
        wanted = False
    if wanted and writing and not given:
        _forget_oldest(directory.parent)
    settings: dict[str, Any] = {"jax_enable_compilation_cache": wanted}
    if wanted:
        settings["jax_compilation_cache_dir"] = str(directory)
        if not writing or "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
            settings["jax_persistent_cache_min_compile_time_secs"] = 0.0 if writing else math.inf
    before = {name: _setting(name) for name in settings}
    try:
        for name, value in settings.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()  # it may have been decided already that there is none
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()


def _setting(name: str) -> Any:
    import jax

    return getattr(jax.config, name)


def _directory() -> pathlib.Path:
    """One of ours in the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # the specification of XDG calls what is not absolute invalid
    home = pathlib.Path(base) if os.path.isabs(base) else pathlib.Path("~/.cache").expanduser()
    return home / "mcollapse" / "programs" / _machine()


def _machine() -> str:
    """A name for what programs are compiled for: homes are shared by the unlike nodes of a cluster."""
    import jaxlib

    processor = platform.machine() + platform.processor()
    with contextlib.suppress(OSError):  # of Linux alone
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        told = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
        processor += "\n".join(sorted(told))
    return f"jaxlib-{jaxlib.__version__}-{hashlib.sha256(processor.encode()).hexdigest()[:8]}"


def _not_writable(directory: pathlib.Path) -> str:
    """Why nothing can be written there, empty where something can."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _forget_oldest(programs: pathlib.Path) -> None:
    """JAX's cache grows for ever."""
    with contextlib.suppress(OSError):  # another process may do the same
        files = [(f.stat(), f) for f in programs.glob("*/*") if f.is_file()]
        files.sort(key=lambda item: item[0].st_mtime)
        total = sum(stat.st_size for stat, _ in files)
        for stat, file in files:
            if total <= MOST_BYTES:
                return
            file.unlink()
            total -= stat.st_size
