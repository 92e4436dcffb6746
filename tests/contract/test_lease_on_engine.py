"""What leases and pauses are on a real engine, and what happens when that fails."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.endpoint import Endpoint
from reconciler.adapters.docker_host.lease import EngineLeases, ourselves
from reconciler.adapters.docker_host.lease_image import IMAGE
from reconciler.adapters.docker_host.pause import EnginePauses
from reconciler.domain.brakes import Pause
from reconciler.domain.turns import Pace
from reconciler.errors import EngineFailed, EngineUnreachable, LeaseLost, Locked
from tests.bed.engine import required_engine
from tests.bed.engine_proxy import EngineProxy
from tests.bed.private_engine import PrivateEngine
from tests.bed.tools import BedError, docker, run, wait_until
from tests.contract.turns_bench import BRISK, RealTurnsBench, real_turns

HERE, THERE = "a lock of this host", "a lock of another host"
SLOW = Pace(ttl_seconds=30.0, renew_seconds=1000.0)
AT = datetime(2026, 9, 30, 14, 0, 0, tzinfo=UTC)


@dataclass(slots=True)
class Hands:
    """A clock that is moved by hand."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def real() -> Iterator[RealTurnsBench]:
    bench = real_turns(required_engine())
    yield bench
    bench.close()


@pytest.fixture
def proxy(real: RealTurnsBench, tmp_path: Path) -> Iterator[EngineProxy]:
    upstream = Path(real.connection.endpoint.url.removeprefix("unix://"))
    with EngineProxy(tmp_path / "engine.sock", upstream) as proxy:
        yield proxy


@pytest.fixture
def behind(proxy: EngineProxy) -> Iterator[Connection]:
    """The way to the engine through the proxy."""
    connection = Connection(Endpoint(proxy.host))
    yield connection
    connection.close()


def container(real: RealTurnsBench) -> str:
    return f"reconcile-lease.{real.one.project}"


def volumes(real: RealTurnsBench) -> list[str]:
    label = f"label=reconcile.pause={real.one.project}"
    return sorted(docker("volume", "ls", "--quiet", "--filter", label).split())


# --- a lease, as people see it ------------------------------------------------------------------------


def test_a_lease_is_a_container_that_was_never_started(real: RealTurnsBench) -> None:
    with real.leases("us").take(real.one, HERE, 0.0):
        content = json.loads(docker("inspect", container(real)))[0]
    assert content["State"]["Status"] == "created"
    assert content["Config"]["Image"] == IMAGE
    assert content["Config"]["Labels"] == {
        "reconcile.lease": real.one.project,
        "reconcile.lease.holder": "us",
        "reconcile.lease.identity": HERE,
    }
    assert docker("ps", "--all", "--quiet", "--filter", f"name={container(real)}") == ""


def test_the_refusal_says_who_since_when_and_what_to_do(real: RealTurnsBench) -> None:
    engine = DockerHost(real.connection.endpoint.url)
    with engine.leases.take(real.one, HERE, 0.0):
        holder = engine.leases.holder(real.one)
        assert holder is not None
        with pytest.raises(Locked) as refused, engine.leases.take(real.one, THERE, 0.0):
            pytest.fail("two hold it")
    engine.close()
    said = str(refused.value)
    assert f"{real.one.name} is being changed by {ourselves()}" in said
    assert f"since {holder.since:%Y-%m-%dT%H:%M:%SZ}" in said
    assert f"until {holder.until:%Y-%m-%dT%H:%M:%SZ}" in said
    assert "--lock-wait" in said
    assert f"docker rm {container(real)}" in said


def test_who_lost_it_is_told_who_has_it(real: RealTurnsBench) -> None:
    with real.leases("us", SLOW).take(real.one, HERE, 0.0) as lost:
        real.remove()
        with pytest.raises(LeaseLost, match="removed"):
            lost.check()
        with (
            real.leases("others").take(real.one, THERE, 0.0),
            pytest.raises(LeaseLost, match="others holds it now"),
        ):
            lost.check()


def test_a_container_of_others_that_has_the_name_is_refused_and_left_alone(real: RealTurnsBench) -> None:
    with real.leases("us").take(real.two, HERE, 0.0):
        made = docker("create", "--name", container(real), IMAGE, "anything").strip()
    try:
        with (
            pytest.raises(EngineFailed, match="no lease of ours"),
            real.leases("us").take(real.one, HERE, 0.0),
        ):
            pytest.fail("it was taken")
        assert real.leases("us").holder(real.one) is None
        assert docker("inspect", "--format", "{{.Id}}", container(real)).strip() == made
    finally:
        docker("rm", made)


@pytest.mark.parametrize("policy", ["no", "always", "on-failure"])
def test_one_that_somebody_meddled_with_has_run_out(real: RealTurnsBench, policy: str) -> None:
    real.leave("somebody", THERE)
    docker("update", f"--restart={policy}", container(real))
    with real.leases("us").take(real.one, HERE, 0.0) as lease:
        assert lease.taken_over is not None
        assert lease.taken_over.until == datetime.fromtimestamp(0, UTC)


def test_one_whose_name_was_changed_is_lost(real: RealTurnsBench) -> None:
    """Others could take the name, and so they will."""
    other = f"{container(real)}.other"
    with real.leases("us", SLOW).take(real.one, HERE, 0.0) as lease:
        docker("rename", container(real), other)
        with pytest.raises(LeaseLost):
            lease.check()
    with pytest.raises(BedError, match="No such"):
        docker("inspect", other)


# --- time -----------------------------------------------------------------------------------------


def test_who_was_away_for_long_renews_before_it_acts(real: RealTurnsBench) -> None:
    """As after a suspended machine: the clock went on, and no thread did."""
    clock = Hands()
    leases = EngineLeases(real.connection, Pace(ttl_seconds=1.0, renew_seconds=1000.0), boottime=clock)
    with leases.take(real.one, HERE, 0.0) as lease:
        first = leases.holder(real.one)
        clock.seconds += 1999.0
        lease.check()
        assert leases.holder(real.one) == first
        clock.seconds += 1.0
        lease.check()
        second = leases.holder(real.one)
        assert first is not None
        assert second is not None
        assert first.until < second.until


def test_one_that_seems_to_last_for_hours_is_taken_over_when_its_holder_is_silent(
    real: RealTurnsBench,
) -> None:
    """The engine's clock was set back while it was held, and its holder died."""
    hours = Pace(ttl_seconds=7200.0, renew_seconds=1000.0)
    with real.leases("others", hours).take(real.one, THERE, 0.0) as lost:
        with real.leases("us").take(real.one, HERE, 0.0) as lease:
            lease.check()
        with pytest.raises(LeaseLost):
            lost.check()


# --- answers that get lost, engines that end --------------------------------------------------------


def test_a_lost_creation_is_found_by_its_name(
    real: RealTurnsBench, proxy: EngineProxy, behind: Connection
) -> None:
    proxy.lose("POST", "/containers/create")
    with EngineLeases(behind, BRISK).take(real.one, HERE, 0.0) as lease:
        lease.check()
    assert real.leases("us").holder(real.one) is None


def test_a_lost_removal_has_removed(real: RealTurnsBench, proxy: EngineProxy, behind: Connection) -> None:
    with EngineLeases(behind, SLOW).take(real.one, HERE, 0.0):
        proxy.lose("DELETE", "")
    assert real.leases("us").holder(real.one) is None


def test_a_renewal_that_fails_is_tried_again(
    real: RealTurnsBench, proxy: EngineProxy, behind: Connection
) -> None:
    def asked() -> int:
        return sum(request.endswith("/update") for request in proxy.requests)

    with EngineLeases(behind, BRISK).take(real.one, HERE, 0.0) as lease:
        proxy.lose("POST", "/update")
        wait_until(lambda: asked() >= 3, seconds=20, what="renewals")
        lease.check()


def test_who_cannot_ask_whether_it_is_still_its_turn_is_told_so(
    real: RealTurnsBench, proxy: EngineProxy
) -> None:
    connection = Connection(Endpoint(proxy.host), timeout_seconds=0.5)
    with EngineLeases(connection, SLOW).take(real.one, HERE, 0.0) as lease:
        proxy.fall_silent()
        with pytest.raises(EngineUnreachable):
            lease.check()
    connection.close()
    holder = real.leases("us").holder(real.one)
    assert holder is not None, "it could not be removed, and runs out by itself"


def test_an_engine_elsewhere_is_asked_in_the_same_way(real: RealTurnsBench) -> None:
    upstream = Path(real.connection.endpoint.url.removeprefix("unix://"))
    with EngineProxy(None, upstream) as proxy:
        connection = Connection(Endpoint(proxy.host))
        leases, pauses = EngineLeases(connection, BRISK, "us"), EnginePauses(connection)
        assert (leases.holder(real.one), pauses.pause(real.one)) == (None, None)
        with leases.take(real.one, HERE, 0.0) as lease:
            lease.check()
            assert leases.holder(real.one) == real.leases("others").holder(real.one) is not None
            real.remove()
            with pytest.raises(LeaseLost):
                lease.check()
        pauses.begin(real.one, Pause("why", "ada", AT))
        assert pauses.pause(real.one) == real.pauses.pause(real.one) == Pause("why", "ada", AT)
        assert pauses.end(real.one) is not None
        connection.close()


def test_a_lease_outlives_a_restart_of_the_engine_and_starts_nothing() -> None:
    with PrivateEngine() as engine:
        bench = real_turns(engine.host)
        with bench.leases("us").take(bench.one, HERE, 0.0) as lease:
            before = bench.leases("us").holder(bench.one)
            bench.pauses.begin(bench.one, Pause("why", "ada", AT))
            engine.stop()
            with pytest.raises(EngineUnreachable):
                lease.check()
            engine.start()
            lease.check()
            assert before is not None
            wait_until(
                lambda: bench.leases("us").holder(bench.one) not in (None, before), seconds=20, what="renewal"
            )
            state = docker("inspect", "--format", "{{.State.Status}}", container(bench), host=engine.host)
            assert state.strip() == "created"
            assert bench.pauses.pause(bench.one) == Pause("why", "ada", AT)
        assert bench.leases("us").holder(bench.one) is None
        bench.close()


# --- pauses ---------------------------------------------------------------------------------------


def test_a_pause_is_a_volume_with_a_name_that_people_recognise(real: RealTurnsBench) -> None:
    real.pauses.begin(real.one, Pause("why", "ada", AT))
    assert volumes(real) == [f"reconcile-pause.{real.one.project}"]


def test_there_is_no_moment_without_a_pause_while_one_takes_the_place_of_another(
    real: RealTurnsBench,
) -> None:
    real.pauses.begin(real.one, Pause("first", "ada", AT))
    done, seen = threading.Event(), set[bool]()

    def look() -> None:
        while not done.is_set():
            seen.add(real.pauses.pause(real.one) is None)

    looking = threading.Thread(target=look)
    looking.start()
    for number in range(20):
        real.pauses.begin(real.one, Pause(str(number), "ada", AT + timedelta(seconds=number)))
    done.set()
    looking.join()
    assert seen == {False}
    assert len(volumes(real)) == 1


def test_of_two_that_were_left_the_later_one_counts_and_both_end(real: RealTurnsBench) -> None:
    """Somebody was killed between making the one and removing the other."""
    real.pauses.begin(real.one, Pause("later", "ada", AT + timedelta(hours=1)))
    label = ("--label", f"reconcile.pause={real.one.project}")
    earlier = ("--label", "reconcile.pause.since=2026-09-30T14:00:00Z")
    docker("volume", "create", *label, *earlier, f"reconcile-pause.{real.one.project}.1")
    assert real.pauses.end(real.one) == Pause("later", "ada", AT + timedelta(hours=1))
    assert volumes(real) == []


def test_a_pause_that_a_person_made_by_hand_holds(real: RealTurnsBench) -> None:
    label = f"reconcile.pause={real.one.project}"
    docker("volume", "create", "--label", label, f"reconcile-pause.{real.one.project}")
    found = real.pauses.pause(real.one)
    assert found is not None
    assert (found.reason, found.by, found.until) == ("", "", None)
    assert abs((real.now() - found.since).total_seconds()) < 60


def test_a_volume_that_only_looks_like_a_pause_is_never_removed(real: RealTurnsBench) -> None:
    label, own = f"reconcile.pause={real.one.project}", f"reconcile-pause.{real.one.project}"
    docker("volume", "create", own)
    docker("volume", "create", "--label", label, f"{own}-data")
    try:
        assert real.pauses.pause(real.one) is None
        real.pauses.begin(real.one, Pause("why", "ada", AT))
        assert real.pauses.end(real.one) == Pause("why", "ada", AT)
        assert volumes(real) == [f"{own}-data"]
        assert docker("volume", "inspect", "--format", "{{.Labels}}", own).strip() in ("map[]", "<no value>")
    finally:
        docker("volume", "rm", own, f"{own}-data")


# --- tidying up -----------------------------------------------------------------------------------


def test_what_tidying_up_takes_comes_back_or_stays() -> None:
    """A lease goes, and its holder is told; its image goes, and is made again; a pause stays."""
    with PrivateEngine() as engine:
        bench = real_turns(engine.host)
        bench.pauses.begin(bench.one, Pause("why", "ada", AT))
        for _ in range(2):
            with bench.leases("us", SLOW).take(bench.one, HERE, 0.0) as lease:
                lease.check()
                docker("system", "prune", "--force", "--all", host=engine.host)
                with pytest.raises(LeaseLost):
                    lease.check()
            assert docker("images", "--quiet", host=engine.host) == ""
        assert bench.pauses.end(bench.one) == Pause("why", "ada", AT)
        bench.close()


# --- what looking costs ---------------------------------------------------------------------------


def test_looking_at_a_local_engine_does_not_load_the_sdk(real: RealTurnsBench) -> None:
    look = (
        "import sys; from reconciler.adapters.docker_host import DockerHost; "
        "from tests.domain.values import environment; host = DockerHost(sys.argv[1]); "
        "assert host.leases.holder(environment()) is host.pauses.pause(environment()) is None; "
        "assert not {'docker', 'requests', 'ssl'} & sys.modules.keys(), 'too much is loaded'"
    )
    run(sys.executable, "-c", look, real.connection.endpoint.url)
