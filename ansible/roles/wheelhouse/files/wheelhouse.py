"""Makes, on the controller, the archive that one kind of device installs the agent from.

    wheelhouse.py --python 3.11 --machine aarch64 --cache CACHE [--index-url URL]...
    wheelhouse.py --python 3.11 --machine aarch64 --cache CACHE --lock

Versions are those of constraints.txt, and every package must have one there, so nothing is left to
be resolved: what is needed follows from pyproject.toml and from what each wheel says it requires,
read for the device's Python and machine instead of the controller's.

Hashes: locks/ holds the sha256 of each wheel for the kinds of devices that the project knows. A
wheel from the index that has another one is refused. For other kinds (armv7l, whose wheels come
from another index) the hashes are recorded when the wheels are first downloaded.

The archive has the wheels unpacked, as pip on the controller installs them for the device's Python
and machine: it compares all hashes once more, that of the project's own wheel too. A device only
unpacks it into its virtual environment, which takes seconds where its own pip would take minutes.

Prints one JSON object: the `archive`, its `name` and `sha256`, and whether something was `made`;
or, with exit status 1, the `problem` in one sentence.
"""

import argparse
import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

REPOSITORY = Path(__file__).resolve().parents[4]
LOCKS = Path(__file__).resolve().with_name("locks")
PROJECT = "fluid-edge"
# What the wheel of the project is made of.
_SOURCES = ("broker", "edge_agent", "fluid", "trainer")
_SOURCE_FILES = ("LICENSE", "README.md", "pyproject.toml")
# Where a device has the virtual environment of a list of wheels: a script names its interpreter.
_ENVIRONMENT = "/opt/fluid/venv-{name}"
_SCRIPT = """\
#!{environment}/bin/python
import sys
from {module} import {function}
sys.exit({function}())
"""
# The glibc versions whose wheels Debian 12 (2.36) can load, from manylinux2014's on.
_GLIBC_MINORS = range(17, 37)
_HASHED = re.compile(r"(?P<name>[^=\s]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})")


class WheelhouseError(Exception):
    """The wheels cannot be had. The message is one sentence with the mend."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of device: its Python, such as "3.11", and its machine, such as "aarch64"."""

    python: str
    machine: str

    @property
    def tag(self) -> str:
        return f"cp{self.python.replace('.', '')}-{self.machine}"

    @property
    def environment(self) -> dict[str, str]:
        """For the markers of requirements."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
            "extra": "",
        }

    @property
    def pip_options(self) -> list[str]:
        names = [f"manylinux_2_{minor}" for minor in _GLIBC_MINORS]
        platforms = [f"{name}_{self.machine}" for name in ("manylinux2014", *names, "linux")]
        options = [f"--platform={each}" for each in platforms]
        return [*options, f"--python-version={self.python}", "--only-binary=:all:", "--no-deps"]

    def needs(self, requirement: Requirement) -> bool:
        return requirement.marker is None or requirement.marker.evaluate(self.environment)


@dataclass(frozen=True, slots=True)
class Pin:
    """One wheel: what it is, and its hash."""

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def pinned_versions(constraints: str, target: Target) -> dict[str, str]:
    """The versions that constraints.txt has for a kind of device, by canonical name."""
    versions = {}
    for line in constraints.splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        requirement = Requirement(text)
        if target.needs(requirement):
            (specifier,) = requirement.specifier
            versions[canonicalize_name(requirement.name)] = specifier.version
    return versions


def direct_requirements(pyproject: str, target: Target) -> list[str]:
    """What an agent needs by pyproject.toml, by canonical name."""
    project = tomllib.loads(pyproject)["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["agent"]]
    requirements = map(Requirement, texts)
    return sorted({canonicalize_name(each.name) for each in requirements if target.needs(each)})


def wheel_requirements(wheel: Path, target: Target) -> list[str]:
    """What a wheel needs on a kind of device, by canonical name."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [
            each for each in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", each)
        ]
        headers = HeaderParser().parsestr(archive.read(metadata).decode())
    requirements = map(Requirement, headers.get_all("Requires-Dist", []))
    return [canonicalize_name(each.name) for each in requirements if target.needs(each)]


def read_pins(text: str) -> list[Pin]:
    """The pins of a lock."""
    return [Pin(**match.groupdict()) for match in _HASHED.finditer(text)]


def stale_pins(pins: Iterable[Pin], versions: Mapping[str, str]) -> list[str]:
    """Which packages of a lock constraints.txt has another version of."""
    return [each.name for each in pins if versions.get(each.name) != each.version]


class Wheelhouse:
    """The wheels of one kind of device in the cache."""

    def __init__(
        self, target: Target, cache: Path, *, repository: Path, index_urls: Sequence[str] = ()
    ) -> None:
        self._target = target
        self._cache = cache / "wheels"
        self._downloads = self._cache / target.tag
        self._repository = repository
        self._index_options = [f"--extra-index-url={url}" for url in index_urls]
        self._recorded = self._cache / f"{target.tag}.txt"
        self._lock = LOCKS / f"{target.tag}.txt"
        constraints = (repository / "constraints.txt").read_text(encoding="utf-8")
        self._versions = pinned_versions(constraints, target)
        pyproject = (repository / "pyproject.toml").read_text(encoding="utf-8")
        self._direct = direct_requirements(pyproject, target)

    def provide(self) -> dict[str, object]:
        """The archive, made if it is not there."""
        pins = self._known_pins()
        made = any(self._wheel_of(pin) is None for pin in pins) or not pins
        if not pins:
            pins = self.resolve()
            self._recorded.write_text(self._listed(pins), encoding="utf-8")
        elif made:
            self._download_exactly(pins)
        project = self._project_wheel()
        text = self._listed([*pins, _pin_of(project)])
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        archive = self._cache / f"{self._target.tag}-{name}.tar.gz"
        if not archive.exists():
            made = True
            self._write_archive(archive, name, project, text)
        return {"archive": str(archive), "name": name, "sha256": _sha256(archive), "made": made}

    def write_lock(self) -> Path:
        """Take down the hashes of what the index has now."""
        self._lock.parent.mkdir(exist_ok=True)
        self._lock.write_text(self._listed(self.resolve()), encoding="utf-8")
        return self._lock

    def resolve(self) -> list[Pin]:
        """Download what is needed, beginning with what the project needs itself."""
        found: dict[str, Path] = {}
        wanted = set(self._direct)
        while wanted:
            found.update(self._download(sorted(wanted)))
            needed = {
                name for each in wanted for name in wheel_requirements(found[each], self._target)
            }
            wanted = needed - found.keys()
        return sorted((_pin_of(wheel) for wheel in found.values()), key=lambda pin: pin.name)

    def _known_pins(self) -> list[Pin]:
        """Those of the lock, or of what was recorded here; none if neither is of these versions."""
        if self._lock.exists():
            pins = read_pins(self._lock.read_text(encoding="utf-8"))
            if stale := stale_pins(pins, self._versions):
                raise WheelhouseError(
                    f"{self._lock.name} has other versions of {', '.join(stale)} than "
                    "constraints.txt: run scripts/lock-wheels"
                )
            return pins
        if not self._recorded.exists():
            return []
        pins = read_pins(self._recorded.read_text(encoding="utf-8"))
        names = {pin.name for pin in pins}
        current = not stale_pins(pins, self._versions) and names.issuperset(self._direct)
        return pins if current else []

    def _listed(self, pins: Iterable[Pin]) -> str:
        head = f"# The wheels of an agent with Python {self._target.python} on "
        return "".join([f"{head}{self._target.machine}.\n", *(f"{pin}\n" for pin in pins)])

    def _wheel_of(self, pin: Pin) -> Path | None:
        """The downloaded wheel with a pin's very hash."""
        for wheel in self._downloads.glob("*.whl"):
            name, version, _build, _tags = parse_wheel_filename(wheel.name)
            if (name, str(version)) == (pin.name, pin.version) and _sha256(wheel) == pin.sha256:
                return wheel
        return None

    def _download_exactly(self, pins: Sequence[Pin]) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(self._listed(pins))
            file.flush()
            self._pip_download(["--require-hashes", "-r", file.name])

    def _download(self, names: Sequence[str]) -> dict[str, Path]:
        if unknown := [name for name in names if name not in self._versions]:
            raise WheelhouseError(f"constraints.txt has no version of {', '.join(unknown)}: add it")
        self._pip_download([f"{name}=={self._versions[name]}" for name in names])
        wheels = {}
        for wheel in self._downloads.glob("*.whl"):
            name, version, _build, _tags = parse_wheel_filename(wheel.name)
            if name in names and str(version) == self._versions[name]:
                wheels[str(name)] = wheel
        return wheels

    def _pip_download(self, arguments: Sequence[str]) -> None:
        self._downloads.mkdir(parents=True, exist_ok=True)
        options = [*self._target.pip_options, *self._index_options]
        _pip("download", "--dest", str(self._downloads), *options, *arguments)

    def _write_archive(self, path: Path, name: str, project: Path, requirements: str) -> None:
        """What a device's virtual environment has beside its interpreter, with the list of it."""
        with tempfile.TemporaryDirectory() as temporary:
            tree = Path(temporary)
            packages = tree / "lib" / f"python{self._target.python}" / "site-packages"
            listed = tree / "requirements.txt"
            listed.write_text(requirements, encoding="utf-8")
            _pip(
                *("install", "--target", str(packages), *self._target.pip_options),
                *("--no-index", "--no-compile", "--require-hashes", "--requirement", str(listed)),
                *(f"--find-links={each}" for each in (self._downloads, project.parent)),
            )
            # pip's own scripts would look for the controller's Python.
            shutil.rmtree(packages / "bin", ignore_errors=True)
            (tree / "bin").mkdir()
            for script, text in _scripts(project, _ENVIRONMENT.format(name=name)):
                (tree / "bin" / script).write_text(text, encoding="utf-8")
                (tree / "bin" / script).chmod(0o755)
            partial = path.with_suffix(".partial")
            with tarfile.open(partial, "w:gz", compresslevel=6) as archive:
                archive.add(tree, arcname=f"venv-{name}", filter=_owned_by_root)
            partial.replace(path)

    def _project_wheel(self) -> Path:
        """The project's own wheel, built anew when its sources change."""
        sources = sorted(_source_files(self._repository))
        digest = hashlib.sha256()
        for path in sources:
            digest.update(f"{path.relative_to(self._repository)} {_sha256(path)}\n".encode())
        folder = self._cache / "project" / digest.hexdigest()[:12]
        built = list(folder.glob("*.whl"))
        if not built:
            _build(self._repository, sources, folder)
            built = list(folder.glob("*.whl"))
        (wheel,) = built
        return wheel


def _source_files(repository: Path) -> Iterator[Path]:
    yield from (repository / name for name in _SOURCE_FILES)
    for folder in _SOURCES:
        for path in (repository / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _build(repository: Path, sources: Iterable[Path], folder: Path) -> None:
    """Built from a copy, as setuptools writes into the tree that it builds from."""
    with tempfile.TemporaryDirectory() as temporary:
        tree, out = Path(temporary, "tree"), Path(temporary, "out")
        for path in sources:
            copied = tree / path.relative_to(repository)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)
        # The same sources give the same bytes, whenever they are built.
        _pip(
            "wheel", "--no-deps", "--wheel-dir", str(out), str(tree), SOURCE_DATE_EPOCH="315532800"
        )
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(out, folder)


def _scripts(wheel: Path, environment: str) -> Iterator[tuple[str, str]]:
    """The name and text of each command that a wheel brings."""
    parser = configparser.ConfigParser(delimiters=["="])
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"[^/]+\.dist-info/entry_points\.txt", name):
                parser.read_string(archive.read(name).decode())
    for name, target in parser.items("console_scripts"):
        module, _, function = target.partition(":")
        yield name, _SCRIPT.format(environment=environment, module=module, function=function)


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def _pin_of(wheel: Path) -> Pin:
    name, version, _build_tag, _tags = parse_wheel_filename(wheel.name)
    return Pin(str(name), str(version), _sha256(wheel))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _pip(command: str, *arguments: str, **environment: str) -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            command,
            "--quiet",
            "--disable-pip-version-check",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    if result.returncode != 0:
        said = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        last = (said or result.stderr.splitlines() or ["no word"])[-1]
        raise WheelhouseError(f"pip {command} failed on the controller: {last}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", required=True)
    parser.add_argument("--machine", required=True)
    parser.add_argument("--cache", required=True, type=Path)
    parser.add_argument("--index-url", action="append", default=[], dest="index_urls")
    parser.add_argument("--lock", action="store_true")
    options = parser.parse_args()
    target = Target(options.python, options.machine)
    house = Wheelhouse(
        target, options.cache.resolve(), repository=REPOSITORY, index_urls=options.index_urls
    )
    try:
        told = {"lock": str(house.write_lock())} if options.lock else house.provide()
    except (WheelhouseError, OSError) as error:
        told = {"problem": f"the wheels of {target.tag} cannot be had: {error}"}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if "problem" in told else 0


if __name__ == "__main__":
    sys.exit(main())
