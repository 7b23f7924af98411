"""Simulated devices on one machine: network namespaces, joined by a bridge in one more of them.

Owns namespaces and cables: they are gone with the `Lan`, however it is left, and the machine's own
network is never touched. What runs on a device is the tests'.
"""

import ctypes
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.temporary import Temporary

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_NETWORK = "192.0.2"  # for examples (RFC 5737): nothing real is there


class NoNamespacesError(Exception):
    """This machine or user cannot have devices simulated; the message says why."""


class Device:
    """A host of its own in a LAN. Its processes are those that are started `inside`."""

    def __init__(self, lan: str, *, number: int) -> None:
        """lan: the namespace of the bridge."""
        self.address = f"{_NETWORK}.{number}"
        self._lan = lan
        self._port = f"port{number}"
        self._namespace = f"{lan}-{number}"

    def build(self) -> None:
        _ip("netns", "add", self._namespace)
        _ip("-n", self._namespace, "link", "set", "lo", "up")
        peer = ("peer", "name", "eth0", "netns", self._namespace)
        _ip("-n", self._lan, "link", "add", self._port, "type", "veth", *peer)
        _ip("-n", self._lan, "link", "set", self._port, "master", "bridge")
        _ip("-n", self._namespace, "address", "add", f"{self.address}/24", "dev", "eth0")
        _ip("-n", self._namespace, "link", "set", "eth0", "up")
        self.plug_in()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Meanwhile this thread, and each thread or process that it starts, is on the device."""
        there = Path("/run/netns", self._namespace)
        with Path("/proc/thread-self/ns/net").open() as here, there.open() as namespace:
            _enter(namespace.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())

    def unplug(self) -> None:
        """From now on nothing reaches it and nothing comes from it, not even that it is gone."""
        _ip("-n", self._lan, "link", "set", self._port, "down")

    def plug_in(self) -> None:
        _ip("-n", self._lan, "link", "set", self._port, "up")


class Lan(Temporary):
    """Devices that reach each other: `with Lan(3) as lan: lan.devices`.

    End what runs on them before leaving. Raises `NoNamespacesError`.
    """

    def __init__(self, devices: int) -> None:
        self._name = f"fluid-{secrets.token_hex(4)}"
        self.devices = [Device(self._name, number=number) for number in range(1, devices + 1)]

    def _build(self) -> None:
        if sys.platform != "linux" or os.geteuid() != 0:
            raise NoNamespacesError("network namespaces need Linux and root")
        if shutil.which("ip") is None:
            raise NoNamespacesError("network namespaces need the program ip (package iproute2)")
        try:
            _ip("netns", "add", self._name)
            _ip("-n", self._name, "link", "add", "bridge", "type", "bridge")
            _ip("-n", self._name, "link", "set", "bridge", "up")
            for device in self.devices:
                device.build()
        except subprocess.CalledProcessError as error:
            raise NoNamespacesError(f"{' '.join(error.cmd)}: {error.stderr.strip()}") from error

    def _remove(self) -> None:
        """With a namespace go its ends of cables, and so the others."""
        for namespace in Path("/run/netns").glob(f"{self._name}*"):
            _ip("netns", "delete", namespace.name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _enter(namespace: int) -> None:
    """Move this thread into the network namespace of that file descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
