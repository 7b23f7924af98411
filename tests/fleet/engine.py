"""A Docker engine: the one that answers, which stays, or one that is started here and ended again.

Owns the engine's process, and nothing that runs in it. Packages that were installed, and images,
stay for the next run.
"""

import gc
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

from tests.fleet.commands import CommandFailed, ensure_programs
from tests.fleet.progress import say
from tests.processes import wait_until

# iptables: a new engine makes its networks with it. The client is not needed.
_PACKAGES = {"dockerd": "docker.io", "iptables": "iptables", "setpriv": "util-linux"}
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 60.0
# A container of emulated programs takes its time to start while four of them do.
_CALL_TIMEOUT_S = 180


class EngineUnavailable(Exception):
    """There is no engine and none can be started; the message says why."""


def is_required() -> bool:
    """Whether a missing engine is a failure: in CI, where a skipped test would look like a pass."""
    wishes = (os.environ.get("CI", ""), os.environ.get("FLUID_FLEET_REQUIRED", ""))
    return any(wish.lower() not in ("", "0", "false", "no") for wish in wishes)


@contextmanager
def engine() -> Iterator[Any]:
    """A client of an engine that answers. Raises `EngineUnavailable`."""
    if (found := _connect()) is not None:
        yield found
        return
    if named := os.environ.get("DOCKER_HOST"):
        raise EngineUnavailable(
            f"the Docker engine at {named} does not answer: start it, or unset DOCKER_HOST"
        )
    if os.geteuid() != 0:
        raise EngineUnavailable(
            "no Docker engine answers, and only root can start one: start Docker, or run as root"
        )
    try:
        ensure_programs(_PACKAGES)
    except CommandFailed as error:
        raise EngineUnavailable(f"no Docker engine answers: {error}") from error
    if (found := _connect()) is not None:  # the package has started it
        yield found
        return
    with _started() as found:
        yield found


@contextmanager
def _started() -> Iterator[Any]:
    """A client of an engine of our own. With FLUID_FLEET_KEEP it stays, as its containers do."""
    is_kept = "FLUID_FLEET_KEEP" in os.environ
    # It ends also if we are killed and can end nothing any more.
    leash = [] if is_kept else ["setpriv", "--pdeathsig", "TERM"]
    say("dockerd starts")
    folder = Path(tempfile.mkdtemp(prefix="fluid-dockerd-"))
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*leash, "dockerd"], stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    is_up = False
    try:
        found = _wait_for(process, log)
        is_up = True
        yield found
    finally:
        if is_kept and is_up:
            say(f"dockerd goes on: end it with kill {process.pid}")
        else:
            process.terminate()  # it stops its containerd and its containers, too
            process.wait(_STOP_TIMEOUT_S)
            shutil.rmtree(folder)
            say("dockerd, which was started for this, has ended")


def _connect() -> Any | None:
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        with suppress(DockerException, OSError):  # requests' errors are of the second kind
            client = docker.from_env(timeout=_CALL_TIMEOUT_S)
            client.ping()
            return client
        gc.collect()  # the package leaves the socket of a failed connection open
    return None


def _wait_for(process: "subprocess.Popen[bytes]", log: Path) -> Any:
    found: list[Any] = []

    def answers() -> bool:
        if process.poll() is not None:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            raise EngineUnavailable("dockerd ended at its start: " + " | ".join(last))
        client = _connect()
        if client is not None:
            found.append(client)
        return bool(found)

    wait_until(answers, timeout_s=_START_TIMEOUT_S, what="dockerd does not answer")
    return found[0]
