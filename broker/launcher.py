"""A private Mosquitto, on loopback unless told otherwise, as a child process of this one.

Owns the life of that process: finding the program, a port and a directory, starting, waiting
until it serves, and leaving nothing behind. Speaks no MQTT beyond the first handshake.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from broker.configuration import render
from broker.errors import BrokerBinaryMissing, BrokerStartError, PortTaken
from broker.probe import answers_as
from fluid.processes import start_tied, stop, tail

# Where Mosquitto is when it is not on PATH: Debian and Homebrew put it into an sbin folder.
_MORE_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
_PORT_ATTEMPTS = 5
_POLL_S = 0.02


def find_mosquitto() -> str:
    """The path of the `mosquitto` program; raises `BrokerBinaryMissing`."""
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *_MORE_FOLDERS))
    program = shutil.which("mosquitto", path=folders)
    if program is None:
        raise BrokerBinaryMissing(
            "Mosquitto is not installed: apt-get install mosquitto mosquitto-clients "
            "(Debian, Raspberry Pi OS) or brew install mosquitto (macOS)"
        )
    return program


class LocalBroker:
    """A Mosquitto of one's own: `with LocalBroker() as broker: connect(broker.url)`.

    Use it in `with`, or call `close` after `start`. Not thread-safe. The thread that starts it
    must outlive it (see `fluid.processes`).
    """

    def __init__(
        self,
        *,
        persistence: bool = False,
        directory: Path | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        start_timeout_s: float = 10.0,
        log_to_stderr: bool = False,
    ) -> None:
        """Nothing starts before `start` or `with`.

        persistence: whether retained messages and sessions outlive `restart`. directory: where
        configuration, log and persisted state go; by default a temporary one. host: the IPv4
        address to listen on; whoever reaches it may do anything. port: a fixed port instead of a
        free one. log_to_stderr: the log goes to this process's standard error instead of a file.
        """
        self._persistence = persistence
        self._directory = directory
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._host = host
        self._fixed_port = port
        self._port: int | None = port
        self._start_timeout_s = start_timeout_s
        self._log_to_stderr = log_to_stderr
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The port; raises `RuntimeError` before the first start."""
        if self._port is None:
            raise RuntimeError("the broker has not been started")
        return self._port

    @property
    def url(self) -> str:
        """For example `mqtt://127.0.0.1:41883`."""
        return f"mqtt://{self._host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of Mosquitto itself; raises `RuntimeError` if it does not run."""
        return self._running().pid

    def start(self) -> None:
        """Start and return when the broker accepts clients.

        Raises `BrokerBinaryMissing`, or `BrokerStartError` with the broker's log; `PortTaken` if
        a fixed port, or that of an earlier start, is in use.
        """
        if self._process is not None:
            raise RuntimeError("the broker is running")
        if self._port is not None:
            self._start_on(self._port)
            return
        for attempts_left in reversed(range(_PORT_ATTEMPTS)):
            port = _free_port(self._host)
            try:
                self._start_on(port)
            except PortTaken:  # lost to another process after it was found free
                if not attempts_left:
                    raise
            else:
                self._port = port
                return

    def stop(self) -> None:
        """Stop in order: state is saved, last wills are sent. Harmless if it does not run."""
        if self._process is not None:
            stop(self._process)
            self._process = None

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would: what was not yet saved is lost."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop if it runs, and start again on the same port with the persisted state."""
        self.stop()
        self.start()

    def wait(self) -> int:
        """Block until Mosquitto ends by itself; returns its exit status."""
        status = self._running().wait()
        self._process = None
        return status

    def close(self) -> None:
        """Stop, and remove what was written to a temporary directory."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None
        self._port = self._fixed_port

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # Ctrl-C while starting, too, must leave nothing behind
            self.close()
            raise
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise RuntimeError("the broker is not running")
        return self._process

    def _folder(self) -> Path:
        if self._directory is not None:
            self._directory.mkdir(parents=True, exist_ok=True)
            return self._directory.resolve()
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="fluid-broker-")
        return Path(self._temporary.name)

    def _start_on(self, port: int) -> None:
        program = find_mosquitto()
        folder = self._folder()
        mark = f"fluid-{secrets.token_hex(8)}-"
        configuration = folder / "mosquitto.conf"
        configuration.write_text(render(self._options(folder, port, mark)), encoding="utf-8")
        command = [program, "-c", str(configuration)]
        log_path = folder / "mosquitto.log"
        if self._log_to_stderr:
            log_path.unlink(missing_ok=True)
            self._process = start_tied(command)
        else:
            with log_path.open("wb") as log:
                self._process = start_tied(command, stdout=log, stderr=log)
        try:
            self._wait_until_serving(port, mark, log_path)
        except BaseException:
            self.stop()
            raise

    def _options(self, folder: Path, port: int, mark: str) -> dict[str, str]:
        options = {
            "listener": f"{port} {self._host}",
            "persistence": "true" if self._persistence else "false",
            "persistence_location": f"{folder}/",
            "auto_id_prefix": mark,
        }
        if os.geteuid() == 0:
            # Mosquitto started by root becomes the user `mosquitto`, who may not write to our
            # directory, and with the change of user it would lose its tie to this process.
            options["user"] = "root"
        return options

    def _wait_until_serving(self, port: int, mark: str, log_path: Path) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        process = self._running()
        while not answers_as(mark, host=self._host, port=port):
            status = process.poll()
            if status is not None and _is_taken(self._host, port):
                raise PortTaken(f"port {port} is in use, or not open to this user")
            if status is not None:
                raise BrokerStartError(f"Mosquitto ended with status {status}\n{tail(log_path)}")
            if time.monotonic() > deadline:
                raise BrokerStartError(
                    f"Mosquitto did not answer on port {port} within {self._start_timeout_s} s\n"
                    f"{tail(log_path)}"
                )
            time.sleep(_POLL_S)


def _free_port(host: str) -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(host: str, port: int) -> bool:
    """Whether Mosquitto, which sets SO_REUSEADDR, would be refused this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:  # in use, or a port below 1024 that this user may not have
            return True
    return False
