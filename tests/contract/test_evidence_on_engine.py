"""What a gate and its report ask of a real engine, where the fake has nothing to compare it with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.errors import EngineFailed
from tests.bed.engine_proxy import EngineProxy
from tests.bed.tools import docker, wait_until
from tests.contract.bench import Spec
from tests.contract.conftest import IMAGES
from tests.contract.real_bench import RealBench
from tests.contract.test_lost_answers import engine, proxy, running

__all__ = ["engine", "proxy"]

SECRET = "canary-7f3a"
MIB = 1 << 20


# --- logs -----------------------------------------------------------------------------------------


def test_a_moment_counts_to_the_microsecond(real: RealBench) -> None:
    """The SDK would cut it to the second, and show what the predecessor wrote again."""
    container = running(real).id
    wait_until(lambda: real.engine.logs(container, 5) != "", seconds=10, what="the first line")
    stamp = docker("logs", "--timestamps", container, host=real.host).split()[0]
    written = datetime.fromisoformat(stamp[: len("2026-09-30T14:00:00")]).replace(tzinfo=UTC)
    microseconds = int(stamp.partition(".")[2].rstrip("Z").ljust(9, "0")[:6])
    written += timedelta(microseconds=microseconds)
    assert "listens" in real.engine.logs(container, 5, since=written)
    assert real.engine.logs(container, 5, since=written + timedelta(microseconds=1)) == ""


# --- execute --------------------------------------------------------------------------------------


def shell(real: RealBench, container: str, script: str, seconds: float = 20.0) -> tuple[int, str]:
    return real.engine.execute(container, ["sh", "-c", script], seconds)


def test_both_streams_come_in_order(real: RealBench) -> None:
    container = running(real).id
    script = "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three"
    assert shell(real, container, script) == (0, "one\ntwo\nthree\n")


def test_the_last_4_kib_are_kept(real: RealBench) -> None:
    container = running(real).id
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i + 1)); done; printf end"
    code, output = shell(real, container, script)
    assert (code, len(output)) == (0, 4096)
    assert output.endswith("line 19998\nline 19999\nend")


def test_a_command_may_close_its_output_before_it_ends(real: RealBench) -> None:
    assert shell(real, running(real).id, "exec >&- 2>&-; sleep 0.3; exit 7") == (7, "")


@pytest.mark.parametrize(
    "script",
    ["sleep 30", "while :; do echo x; sleep 0.02; done", "exec >&- 2>&-; sleep 30"],
    ids=["silent", "talking", "closed"],
)
def test_the_deadline_holds_whatever_a_command_writes(real: RealBench, script: str) -> None:
    container = running(real).id
    with pytest.raises(EngineFailed, match=r"did not end within 0\.4 s"):
        shell(real, container, script, 0.4)


def test_a_command_goes_on_after_its_time(real: RealBench) -> None:
    """So says the hint; the engine has no way to end it."""
    container = running(real).id
    with pytest.raises(EngineFailed, match="did not end") as caught:
        shell(real, container, "sleep 1; touch /tmp/done", 0.2)
    assert "may still run" in caught.value.hint
    wait_until(lambda: shell(real, container, "[ -e /tmp/done ]")[0] == 0, seconds=10, what="the file")


def test_what_the_shell_cannot_run_is_no_exit_code_either(real: RealBench) -> None:
    container = running(real).id
    with pytest.raises(EngineFailed, match="exit code 127") as caught:
        shell(real, container, f"nowhere --password={SECRET}")
    assert SECRET not in str(caught.value)
    with pytest.raises(EngineFailed, match="permission denied"):
        real.engine.execute(container, ["/data", SECRET], 20.0)


def test_a_command_is_found_by_nobody_when_its_container_ends(real: RealBench) -> None:
    web = {"image": f"{IMAGES}/web:1", "command": ["sleep", "1"]}
    real.define_raw({"web": web})
    container = real.create().id
    real.engine.start(container)
    try:
        code, _ = shell(real, container, "sleep 30")
    except EngineFailed:
        return
    assert code != 0


# --- usage ----------------------------------------------------------------------------------------


def test_page_cache_is_no_memory_of_a_container(real: RealBench) -> None:
    """As `docker stats` counts: what was merely written to files can be taken back at any time."""
    real.define(Spec(memory_limit_bytes=256 * MIB))
    container = real.create().id
    real.engine.start(container)
    assert shell(real, container, "dd if=/dev/zero of=/tmp/file bs=1M count=64")[0] == 0
    usage = real.engine.usage(container)
    assert usage is not None
    assert usage.memory_bytes < 32 * MIB


def test_processor_time_is_in_seconds(real: RealBench) -> None:
    container = running(real).id
    before = real.engine.usage(container)
    assert shell(real, container, "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done")[0] == 0
    after = real.engine.usage(container)
    assert before is not None
    assert after is not None
    assert 0.05 < after.cpu_seconds - before.cpu_seconds < 60


# --- description ----------------------------------------------------------------------------------


def test_a_description_holds_no_secret(real: RealBench) -> None:
    """Wherever Compose lets people put one."""
    web = {
        "image": f"{IMAGES}/web:1",
        "environment": {"TOKEN": SECRET},
        "labels": {"token": SECRET},
        "entrypoint": ["/bin/sh", "-c", f"echo {SECRET}; exec /web/serve"],
        "command": [SECRET],
        "healthcheck": {"test": ["CMD", "wget", f"http://x:{SECRET}@127.0.0.1:8080/"], "disable": False},
        "logging": {"driver": "json-file", "options": {"tag": SECRET}},
        "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
    }
    real.define_raw({"web": web}, volumes={"data": {"labels": {"token": SECRET}}})
    instance = real.create()
    assert SECRET in docker("inspect", instance.id, host=real.host)
    text = real.engine.description(instance.id)
    assert SECRET not in text
    told = json.loads(text)
    assert "TOKEN=…" in told["Config"]["Env"]
    assert told["Config"]["Labels"]["token"] == "…"
    assert told["Config"]["Labels"]["com.docker.compose.service"] == "web"
    assert (told["Path"], told["Config"]["Entrypoint"]) == ("/bin/sh", ["/bin/sh", "… (2)"])
    assert told["Config"]["Cmd"] == ["… (1)"]


# --- names of images ------------------------------------------------------------------------------


def test_a_lost_untagging_has_untagged(real: RealBench, proxy: EngineProxy, engine: DockerHost) -> None:
    real.define(Spec())
    image_id, name = real.create().image_id, f"{real.project}/web"
    real.engine.tag(image_id, name, "rollback")
    proxy.lose("DELETE", "/web:rollback")
    engine.untag(name, "rollback")
    assert real.tags() == {}
