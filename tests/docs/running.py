"""Runs the blocks of a page that are marked as runnable, as a reader would type them.

The words after `bash` or `python` in a block's fence say how it is held to be true:

    runnable            run here, alone
    runnable cluster    run here, with a broker and the agents `master` and `worker` of models/mnist
    ci                  each of its commands stands in `.ci/run`, which runs them

Blocks without such a word are for the reader's own devices: their commands are only looked up.

All blocks of a page with the same words are one session: one shell (`bash -eu`), one folder, from
top to bottom. The folder is temporary and has links to what the clone has, so that
`models/mnist` is there, and what a block writes goes nowhere else. A session has a network and
process ids of its own (`unshare`): port 1883 is free whatever else this machine runs, and what a
block leaves running ends with it.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT, Code, Page
from tests.docs.shell import commands

RUNNABLE, IN_CI = "runnable", "ci"
_TIMEOUT_S = 600  # only to end what hangs: the machine may be busy
_PLACE = "--- "
_WORDS = frozenset({(), (RUNNABLE,), (RUNNABLE, "cluster"), (IN_CI,)})
_LINKED = (".venv", "ansible", "broker", "docs", "examples", "models", "scripts",
           "constraints.txt", "pyproject.toml")  # fmt: skip

_LOOPBACK = "ip link set lo up"
_CLUSTER = """\
python -m broker >.broker.log 2>&1 &
export FLUID_BROKER=mqtt://127.0.0.1:1883
for role in master worker; do
  edge-agent --role $role --id $role --bundle models/mnist >.$role.log 2>&1 &
done
fluid status --wait 2 --timeout 60 >.status.log
"""


@dataclass(frozen=True, slots=True)
class Session:
    """Blocks of one page that are run one after the other. words: what is there for them."""

    page: str
    words: tuple[str, ...]
    blocks: tuple[Code, ...]

    @property
    def name(self) -> str:
        return " ".join((self.page, *self.words[1:]))

    @property
    def script(self) -> str:
        """What bash is given. Each block says where it stands before it runs."""
        begin = [_LOOPBACK, *([_CLUSTER] if "cluster" in self.words else [])]
        parts = [f"echo '{_PLACE}{block.place}' >&2\n{_typed(block)}" for block in self.blocks]
        return "\n".join([*begin, *parts])


@dataclass(frozen=True, slots=True)
class Run:
    """How a session ended. place: of the block that ran last."""

    status: int
    place: str
    output: str


def sessions(page: Page) -> Iterator[Session]:
    """In the order in which their first blocks stand on the page."""
    found: dict[tuple[str, ...], list[Code]] = {}
    for block in page.blocks:
        if block.info[1:2] == (RUNNABLE,):
            found.setdefault(block.info[1:], []).append(block)
    for words, blocks in found.items():
        yield Session(page.name, words, tuple(blocks))


def wrong_marks(page: Page, ci: str) -> Iterator[str]:
    """A sentence for each mark that means nothing, and each command that is said to be run by CI
    and is not. ci: what CI runs."""
    run_by_ci = {line.strip() for line in ci.splitlines()}
    for block in page.blocks:
        if block.info[:1] in (("bash",), ("python",)) and block.info[1:] not in _WORDS:
            yield f"{block.place}: nothing is known of '{' '.join(block.info[1:])}'"
        if block.info[1:] == (IN_CI,):
            for command in commands(block.text):
                line = " ".join((command.program, *command.arguments))
                if line not in run_by_ci:
                    yield f"{block.place}: .ci/run has no line '{line}'"


def why_not() -> str:
    """Why sessions cannot be run here, or nothing."""
    try:
        done = subprocess.run(
            [*_namespaces(), "bash", "-c", _LOOPBACK], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return "a network of its own takes Linux, and util-linux for unshare"
    return f"there can be no network of its own: {done.stderr.strip()}" if done.returncode else ""


def run(session: Session, folder: Path) -> Run:
    """Run a session in an empty folder. What it started has ended when this returns."""
    for name in _LINKED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    script = folder / ".session.sh"
    script.write_text(session.script, encoding="utf-8")
    with (folder / ".output").open("wb") as output:
        status = _run([*_namespaces(), "bash", "-eu", str(script)], folder, output.fileno())
    text = (folder / ".output").read_text(encoding="utf-8", errors="replace")
    logs = [f"{log.name}:\n{log.read_text('utf-8')}" for log in sorted(folder.glob("*.log"))]
    places = [line for line in text.splitlines() if line.startswith(_PLACE)]
    place = places[-1].removeprefix(_PLACE) if places else session.page
    return Run(status, place, "\n".join([text, *logs]))


def _typed(block: Code) -> str:
    return f"python - <<'END'\n{block.text}END\n" if block.info[0] == "python" else block.text


def _run(command: Sequence[str], folder: Path, output: int) -> int:
    environment = {name: value for name, value in os.environ.items() if name[:6] != "FLUID_"}
    environment |= {name: os.environ[name] for name in ("FLUID_DATA_DIR",) if name in os.environ}
    environment["PATH"] = _joined([Path(sys.executable).parent, environment.get("PATH", "")])
    environment["PYTHONPATH"] = _joined([ROOT, environment.get("PYTHONPATH", "")])
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
    ) as process:
        try:
            return process.wait(_TIMEOUT_S)
        finally:
            process.kill()  # and with it all that is in its namespace


def _namespaces() -> list[str]:
    # Not as root where we are not: Mosquitto would then want to become another user.
    rights = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return ["unshare", *rights, "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def _joined(parts: Iterable[object]) -> str:
    return os.pathsep.join(str(part) for part in parts if str(part))
