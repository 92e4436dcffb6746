"""What a gate and its report ask of an engine: logs, commands, usage, descriptions. Both are asked alike."""

from __future__ import annotations

import json

import pytest

from reconciler.domain.observed import State
from reconciler.errors import EngineFailed
from tests.bed.tools import wait_until
from tests.contract.bench import ANSWER, CRASH_CODE, Bench, Spec
from tests.contract.test_engine_contract import GONE, seen, started

MIB = 1 << 20
SCRIPT, EXIT_CODE, OUTPUT = ANSWER


def listening(bench: Bench) -> str:
    """The id of a container that has written its first line."""
    bench.define(Spec())
    container = started(bench).id
    wait_until(lambda: bench.engine.logs(container, 10) != "", seconds=10, what="the first line")
    return container


# --- logs -----------------------------------------------------------------------------------------


def test_logs_are_the_last_lines(bench: Bench) -> None:
    bench.define(Spec(kind="crash"))
    instance = bench.create()
    assert bench.engine.logs(instance.id, 10) == ""
    bench.engine.start(instance.id)
    wait_until(lambda: seen(bench, instance.id).state is State.EXITED, seconds=20, what="the exit")
    assert bench.engine.logs(instance.id, 10).endswith(f"exits with {CRASH_CODE}, as told\n")
    assert bench.engine.logs(GONE, 10) == ""


def test_logs_since_a_moment_leave_out_what_was_written_before(bench: Bench) -> None:
    before = bench.now()
    container = listening(bench)
    first = bench.engine.logs(container, 10, since=before)
    after = bench.now()
    assert "listens" in first
    assert bench.engine.logs(container, 10, since=after) == ""
    bench.engine.stop(container, 5.0)
    bench.engine.start(container)
    wait_until(lambda: bench.engine.logs(container, 10, since=after) != "", seconds=10, what="a new line")
    assert bench.engine.logs(container, 10, since=after) == first
    assert bench.engine.logs(container, 10) == first + first
    assert bench.engine.logs(container, 1, since=before) == first
    assert bench.engine.logs(GONE, 10, since=before) == ""


# --- execute --------------------------------------------------------------------------------------


def test_a_command_tells_its_exit_code_and_what_it_wrote(bench: Bench) -> None:
    container = listening(bench)
    for _ in range(2):
        assert bench.engine.execute(container, ["sh", "-c", SCRIPT], 20.0) == (EXIT_CODE, OUTPUT)
    assert bench.engine.execute(seen(bench, container).name, ["sh", "-c", SCRIPT], 20.0)[0] == EXIT_CODE


def test_a_missing_program_is_no_exit_code(bench: Bench) -> None:
    container = listening(bench)
    with pytest.raises(EngineFailed, match="run nowhere in container") as caught:
        bench.engine.execute(container, ["nowhere", "--password=secret"], 20.0)
    assert "executable file not found" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_command_that_does_not_end_is_given_up(bench: Bench) -> None:
    container = listening(bench)
    with pytest.raises(EngineFailed, match=r"run sleep in container .*did not end within 0\.3 s") as caught:
        bench.engine.execute(container, ["sleep", "55.5"], 0.3)
    assert "55.5" not in str(caught.value)
    assert bench.engine.execute(container, ["sh", "-c", SCRIPT], 20.0) == (EXIT_CODE, OUTPUT)


def test_nothing_runs_in_what_does_not(bench: Bench) -> None:
    container = listening(bench)
    bench.pause(container)
    with pytest.raises(EngineFailed):
        bench.engine.execute(container, ["sh", "-c", SCRIPT], 20.0)
    bench.engine.stop(container, 5.0)
    with pytest.raises(EngineFailed):
        bench.engine.execute(container, ["sh", "-c", SCRIPT], 20.0)
    with pytest.raises(EngineFailed):
        bench.engine.execute(GONE, ["sh", "-c", SCRIPT], 20.0)


# --- usage ----------------------------------------------------------------------------------------


def test_usage_knows_the_limits_of_a_container(bench: Bench) -> None:
    bench.define(Spec(memory_limit_bytes=64 * MIB, cpus=0.5))
    usage = bench.engine.usage(started(bench).id)
    assert usage is not None
    assert 0 < usage.memory_bytes < usage.memory_limit_bytes == 64 * MIB
    assert usage.cpus == 0.5


def test_without_limits_there_are_none(bench: Bench) -> None:
    """The engine itself tells the memory of the host."""
    bench.define(Spec())
    usage = bench.engine.usage(started(bench).id)
    assert usage is not None
    assert (usage.memory_limit_bytes, usage.cpus) == (0, 0.0)
    assert usage.memory_bytes > 0


def test_processor_time_only_grows(bench: Bench) -> None:
    container = listening(bench)
    one, two = bench.engine.usage(container), bench.engine.usage(container)
    assert one is not None
    assert two is not None
    assert 0 < one.cpu_seconds <= two.cpu_seconds


def test_what_does_not_run_uses_nothing(bench: Bench) -> None:
    bench.define(Spec())
    container = bench.create().id
    assert bench.engine.usage(container) is None
    bench.engine.start(container)
    assert bench.engine.usage(container) is not None
    bench.pause(container)
    assert bench.engine.usage(container) is not None
    bench.engine.stop(container, 5.0)
    assert bench.engine.usage(container) is None
    assert bench.engine.usage(GONE) is None


# --- description ----------------------------------------------------------------------------------


def test_a_description_is_json_of_the_engine(bench: Bench) -> None:
    bench.define(Spec())
    instance = started(bench)
    text = bench.engine.description(instance.id)
    told = json.loads(text)
    assert told["Id"] == instance.id
    assert told["Name"] == f"/{instance.name}"
    assert told["Config"]["Image"] == instance.image
    assert told["State"]["Status"] == "running"
    assert text == json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False)
    assert bench.engine.description(instance.name) == text
    assert bench.engine.description(GONE) == ""
