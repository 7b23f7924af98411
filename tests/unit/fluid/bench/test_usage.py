import os
import subprocess
import sys
from pathlib import Path

import pytest

from fluid.bench import usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

NOBODY = 2**22 + 1  # above any process id


def test_processor_time_grows_with_work() -> None:
    begin_s = usage.cpu_s(os.getpid())
    assert begin_s is not None
    while (now_s := usage.cpu_s(os.getpid())) is not None and now_s < begin_s + 0.02:
        pass
    assert now_s is not None


def test_memory_is_in_millions_of_bytes() -> None:
    resident_mb = usage.resident_mb(os.getpid())
    assert resident_mb is not None
    assert 1 < resident_mb < 100_000


def test_bytes_that_are_written_count(tmp_path: Path) -> None:
    before = usage.io_bytes(os.getpid())
    (tmp_path / "file").write_bytes(b"x" * 50_000)
    after = usage.io_bytes(os.getpid())
    assert before is not None
    assert after is not None
    assert after - before >= 50_000


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    assert usage.cpu_s(NOBODY) is None
    assert usage.resident_mb(NOBODY) is None
    assert usage.io_bytes(NOBODY) is None
    assert usage.only_child(NOBODY) is None


def test_the_child_of_a_process_is_found_while_it_is_the_only_one() -> None:
    program = "import subprocess; subprocess.run(['sleep', '600'])"
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        while (child := usage.only_child(parent.pid)) is None:
            assert parent.poll() is None
        assert Path(f"/proc/{child}/stat").read_text().split()[3] == str(parent.pid)
        os.kill(child, 9)
        parent.wait()
