"""What is read from a playbook's output. Starts no fleet, and runs with all other tests."""

from tests.fleet.playbook import Recap, Run, read_recaps, read_slowest_tasks

OUTPUT = """
TASK [bundle : Copy the bundle] ************************************************
ok: [master]
changed: [worker1]

RUNNING HANDLER [agent : Restart the agent] ************************************
changed: [worker1]

PLAY RECAP *********************************************************************
broker                     : ok=31   changed=0    unreachable=0    failed=0    skipped=2
worker1                    : ok=17   changed=2    unreachable=1    failed=3    skipped=0

TASKS RECAP ********************************************************************
Saturday 21 November 2026  14:33:22 +0000 (0:00:01.000)       0:00:10.000 *****
===============================================================================
bundle : Copy the bundle ------------------------------------------------ 9.00s
"""


def test_the_recap_has_the_counts_of_each_host() -> None:
    assert read_recaps(OUTPUT) == {
        "broker": Recap(ok=31, changed=0, unreachable=0, failed=0),
        "worker1": Recap(ok=17, changed=2, unreachable=1, failed=3),
    }


def test_the_slowest_tasks_are_those_of_the_recap() -> None:
    (line,) = read_slowest_tasks(OUTPUT)
    assert line.startswith("bundle : Copy the bundle -")
    assert line.endswith(" 9.00s")


def test_an_output_without_a_recap_has_no_hosts() -> None:
    assert read_recaps("ERROR! the playbook could not be found\n") == {}


def test_a_run_knows_what_it_has_changed() -> None:
    run = Run("deploy.yml", 0, OUTPUT, read_recaps(OUTPUT), 1.0)
    assert run.changed == 2
    assert run.changed_tasks == ("bundle : Copy the bundle", "agent : Restart the agent")
