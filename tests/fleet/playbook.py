"""Runs the playbooks of `ansible/` as a Pi's owner does, and reads what they say at the end."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.commands import follow
from tests.fleet.progress import Progress, say

ANSIBLE = Path(__file__).resolve().parents[2] / "ansible"

_TIMEOUT_S = 1800.0
_RECAP_LINE = re.compile(r"^(?P<host>\S+)\s+:(?P<counts>(?:\s+\w+=\d+)+)\s*$")
_CHANGED_LINE = re.compile(r"^changed: \[")
_TASK_LINE = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?P<name>.*)\]")
_TIME_LINE = re.compile(r"^\S.* -+ \d+\.\d+s$")
_SHOWN_TASKS = 4
# A shell's end of line in a message.
_BREAK = re.compile(r"\\n|\s+")


@dataclass(frozen=True, slots=True)
class Recap:
    """What became of a host's tasks."""

    ok: int
    changed: int
    unreachable: int
    failed: int


@dataclass(frozen=True, slots=True)
class Run:
    """A playbook that has ended. recaps: by host, of those on which anything ran."""

    name: str
    code: int
    output: str
    recaps: Mapping[str, Recap]
    duration_s: float

    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts."""
        return sum(recap.changed for recap in self.recaps.values())

    @property
    def changed_tasks(self) -> tuple[str, ...]:
        """The names of the tasks that changed something, for people."""
        return tuple(dict.fromkeys(_changed_tasks(self.output)))

    @property
    def text(self) -> str:
        """The output as one line with single spaces: a message may have been wrapped anywhere."""
        return _BREAK.sub(" ", self.output)

    def expect_success(self) -> "Run":
        """Fail, with the end of the output, unless the playbook has succeeded."""
        assert self.code == 0, f"{self.name} ended with {self.code}:\n{self.output[-6000:]}"
        return self


def read_recaps(output: str) -> dict[str, Recap]:
    """The counts by host of the `PLAY RECAP` at the end of an output; {} if it has none."""
    _, _, recap = output.rpartition("PLAY RECAP")
    found = {}
    for line in recap.splitlines():
        if (match := _RECAP_LINE.match(line.strip())) is None:
            continue
        counts = {
            name: int(number)
            for name, _, number in (each.partition("=") for each in match["counts"].split())
        }
        found[match["host"]] = Recap(
            **{name: counts[name] for name in ("ok", "changed", "unreachable", "failed")}
        )
    return found


def read_slowest_tasks(output: str) -> list[str]:
    """With their times, from what Ansible's `profile_tasks` says at the end; the slowest first."""
    _, _, recap = output.rpartition("TASKS RECAP")
    lines = [line for line in recap.splitlines() if _TIME_LINE.match(line)]
    return lines[:_SHOWN_TASKS]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a playbook is told: the hosts, variables, secrets, and a file with what opens them."""

    hosts: Path
    variables: Path
    vault: Path
    vault_password: Path


class Playbooks:
    """Runs playbooks, one after the other."""

    def __init__(self, *, key: Path, folder: Path) -> None:
        """key: to come in by ssh. folder: for the logs and the connections; a short path."""
        self._folder = folder
        self._runs = 0
        self._environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
            "ANSIBLE_FORKS": "8",
            "ANSIBLE_HOST_KEY_CHECKING": "False",  # the devices of this run are new
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_PRIVATE_KEY_FILE": str(key),
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_SSH_ARGS": (
                "-o ControlMaster=auto -o ControlPersist=300s -o UserKnownHostsFile=/dev/null"
            ),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
            "ANSIBLE_TIMEOUT": "60",
            "LC_ALL": "C.UTF-8",
            "PYTHONWARNINGS": "",  # of the test run, not of the programs that it starts
        }

    def run(self, name: str, inventory: Inventory, *options: str) -> Run:
        """Run `ansible/<name>` to its end; what it says is kept in the folder, too."""
        return self._run(
            name,
            [
                find_program("ansible-playbook"),
                *("--inventory", str(inventory.hosts)),
                *("--extra-vars", f"@{inventory.variables}"),
                *("--extra-vars", f"@{inventory.vault}"),
                *("--vault-password-file", str(inventory.vault_password)),
                *options,
                str(ANSIBLE / name),
            ],
        )

    def close(self) -> None:
        """End the connections that are kept open for the next run."""
        for path in (self._folder / "cp").glob("*"):
            subprocess.run(
                ["ssh", "-o", f"ControlPath={path}", "-O", "exit", "-"],
                check=False,
                capture_output=True,
                timeout=30,
            )

    def _run(self, name: str, command: Sequence[str]) -> Run:
        self._runs += 1
        log = self._folder / f"{self._runs:02}-{name}.log"
        progress = Progress(name)
        begin = time.monotonic()
        with log.open("w", encoding="utf-8") as output:

            def take(line: str) -> None:
                output.write(line)
                if match := _TASK_LINE.match(line):
                    progress.at(match["name"])

            code = follow(
                command,
                take,
                timeout_s=_TIMEOUT_S,
                folder=ANSIBLE,
                environment=self._environment,
            )
        duration_s = time.monotonic() - begin
        text = log.read_text(encoding="utf-8")
        done = Run(name, code, text, read_recaps(text), duration_s)
        say(f"{name}: {duration_s:.0f} s, exit status {code}, changed={done.changed}")
        for line in read_slowest_tasks(text):
            print(f"        {line}", flush=True)
        return done


def find_program(name: str) -> str:
    """Of Ansible: the one beside this Python, else the one on PATH.

    Raises FileNotFoundError that says what to install.
    """
    beside = Path(sys.executable).with_name(name)
    if beside.exists():
        return str(beside)
    if (found := shutil.which(name)) is not None:
        return found
    raise FileNotFoundError(f"{name} is not installed: run 'make setup'")


def _changed_tasks(output: str) -> list[str]:
    task = ""
    found = []
    for line in output.splitlines():
        if match := _TASK_LINE.match(line):
            task = match["name"]
        elif _CHANGED_LINE.match(line):
            found.append(task)
    return found
