"""What the use cases may take for granted of an engine: asked of the fake and of a real one alike."""

from __future__ import annotations

import pytest

from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Health, Instance, Role, State, Vitals
from reconciler.errors import EngineFailed, PullFailed, ReconcileError
from tests.bed.tools import wait_until
from tests.contract.bench import CRASH_CODE, Bench, Spec

GONE = "f" * 64
HASH = "a" * 64


def seen(bench: Bench, container: str) -> Vitals:
    """A look at a container that must be there."""
    vitals = bench.engine.inspect(container)
    assert vitals is not None
    return vitals


def started(bench: Bench, service: str = "web") -> Instance:
    """The first container of a service, running."""
    instance = bench.create(service)
    bench.engine.start(instance.id)
    return instance


def successor(bench: Bench, predecessor: Instance, shares: dict[str, str] | None = None) -> str:
    """A successor, made as the rollout makes it; the template goes at once."""
    template = bench.template(predecessor.service)
    name = f"{predecessor.serving_name}.successor"
    made = bench.engine.succeed(template, predecessor, name, HASH, shares or {})
    bench.engine.remove(template.id, fresh_volumes=True)
    return made


def instance_of(bench: Bench, container: str) -> Instance:
    """The container's entry in the list."""
    (found,) = (i for i in bench.engine.observe(bench.project).instances if i.id == container)
    return found


# --- observe, inspect -----------------------------------------------------------------------------


def test_a_created_container_is_listed(bench: Bench) -> None:
    bench.define(Spec("web", restart="always"))
    instance = bench.create()
    assert (instance.name, instance.service, instance.number) == (f"{bench.project}-web-1", "web", 1)
    assert (instance.state, instance.health, instance.role) == (State.CREATED, Health.NONE, Role.SERVING)
    assert instance.made_from == instance.image_id
    assert instance.compose_version
    assert instance.config_hash


def test_the_list_is_sorted_by_service_and_name(bench: Bench) -> None:
    bench.define(Spec("b"), Spec("a"))
    bench.create("b")
    bench.create("a")
    assert [i.service for i in bench.engine.observe(bench.project).instances] == ["a", "b"]


def test_another_project_has_no_containers(bench: Bench) -> None:
    bench.define(Spec())
    bench.create()
    assert bench.engine.observe(f"{bench.project}x").instances == ()


def test_a_template_is_marked_and_does_not_serve(bench: Bench) -> None:
    bench.define(Spec(container_name=f"{bench.project}-fixed"))
    serving = bench.create()
    template = bench.template()
    assert serving.name == f"{bench.project}-fixed"
    assert (template.template, template.role, template.state) == (True, Role.TEMPLATE, State.CREATED)
    assert template.config_hash != serving.config_hash


def test_a_look_at_what_never_ran(bench: Bench) -> None:
    bench.define(Spec(restart="on-failure:3"))
    instance = bench.create()
    vitals = seen(bench, instance.id)
    assert (vitals.id, vitals.name, vitals.state) == (instance.id, instance.name, State.CREATED)
    assert (vitals.started_at, vitals.error, vitals.exit_code, vitals.restart_count) == ("", "", 0, 0)
    assert (vitals.image, vitals.image_id) == (instance.image, instance.image_id)
    assert vitals.restart_policy == "on-failure:3"
    assert seen(bench, instance.name).id == instance.id


def test_a_look_at_what_is_gone(bench: Bench) -> None:
    assert bench.engine.inspect(GONE) is None


def test_health_goes_from_starting_to_healthy(bench: Bench) -> None:
    bench.define(Spec(kind="health"))
    instance = started(bench)
    assert instance_of(bench, instance.id).health is Health.STARTING
    wait_until(lambda: seen(bench, instance.id).health is Health.HEALTHY, seconds=20, what="healthy")
    assert instance_of(bench, instance.id).health is Health.HEALTHY


def test_an_exit_code_is_seen_in_both_looks(bench: Bench) -> None:
    bench.define(Spec(kind="crash"))
    instance = started(bench)
    wait_until(lambda: seen(bench, instance.id).state is State.EXITED, seconds=20, what="the exit")
    assert seen(bench, instance.id).exit_code == CRASH_CODE
    assert instance_of(bench, instance.id).exit_code == CRASH_CODE


def test_a_crash_loop_counts_its_restarts(bench: Bench) -> None:
    bench.define(Spec(kind="crash", restart="always"))
    instance = started(bench)
    wait_until(lambda: seen(bench, instance.id).restart_count >= 2, seconds=20, what="two restarts")


# --- start, stop ----------------------------------------------------------------------------------


def test_starting_twice_starts_once(bench: Bench) -> None:
    bench.define(Spec())
    instance = started(bench)
    first = seen(bench, instance.id)
    bench.engine.start(instance.id)
    second = seen(bench, instance.id)
    assert (first.state, second.state) == (State.RUNNING, State.RUNNING)
    assert first.started_at == second.started_at != ""


def test_stopping_is_fine_however_often(bench: Bench) -> None:
    bench.define(Spec())
    instance = started(bench)
    for _ in range(2):
        bench.engine.stop(instance.id, 5.0)
        assert seen(bench, instance.id).state is State.EXITED


def test_stopping_what_never_ran_or_is_gone_is_fine(bench: Bench) -> None:
    bench.define(Spec())
    instance = bench.create()
    bench.engine.stop(instance.id, 1.0)
    assert seen(bench, instance.id).state is State.CREATED
    bench.engine.stop(GONE, 1.0)


def test_a_stopped_container_starts_again_anew(bench: Bench) -> None:
    bench.define(Spec())
    instance = started(bench)
    first = seen(bench, instance.id).started_at
    bench.engine.stop(instance.id, 5.0)
    bench.engine.start(instance.id)
    assert seen(bench, instance.id).started_at != first


def test_starting_what_is_paused_lets_it_go_on(bench: Bench) -> None:
    bench.define(Spec())
    instance = started(bench)
    bench.pause(instance.id)
    assert instance_of(bench, instance.id).state is State.PAUSED
    bench.engine.start(instance.id)
    assert seen(bench, instance.id).state is State.RUNNING


def test_what_is_paused_can_be_stopped(bench: Bench) -> None:
    bench.define(Spec())
    instance = started(bench)
    bench.pause(instance.id)
    bench.engine.stop(instance.id, 1.0)
    assert seen(bench, instance.id).state is State.EXITED


def test_starting_what_is_gone_fails(bench: Bench) -> None:
    with pytest.raises(EngineFailed):
        bench.engine.start(GONE)


def test_a_taken_port_is_said_and_leaves_a_created_container(bench: Bench) -> None:
    port = bench.free_port()
    bench.define(Spec("one", port=port), Spec("two", port=port))
    one, two = started(bench, "one"), bench.create("two")
    with pytest.raises(EngineFailed, match="already allocated"):
        bench.engine.start(two.id)
    vitals = seen(bench, two.id)
    assert (vitals.state, vitals.exit_code) == (State.CREATED, 128)
    assert "already allocated" in vitals.error
    bench.engine.stop(one.id, 5.0)
    bench.engine.start(two.id)
    assert seen(bench, two.id).state is State.RUNNING
    assert seen(bench, two.id).error == ""


# --- restart policies -----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["no", "always", "unless-stopped", "on-failure:3"])
def test_restart_policies_read_as_compose_writes_them(bench: Bench, policy: str) -> None:
    bench.define(Spec(restart=policy))
    assert bench.engine.restart_policy(bench.create().id) == policy


def test_a_restart_policy_can_be_taken_and_given_back(bench: Bench) -> None:
    bench.define(Spec(restart="on-failure:3"))
    container = bench.create().id
    for policy in ("no", "no", "always", "on-failure:3"):
        bench.engine.set_restart_policy(container, policy)
        assert bench.engine.restart_policy(container) == policy


def test_policies_of_what_is_gone_fail(bench: Bench) -> None:
    with pytest.raises(EngineFailed):
        bench.engine.restart_policy(GONE)
    with pytest.raises(EngineFailed):
        bench.engine.set_restart_policy(GONE, "no")


def test_an_engine_restart_resurrects_what_says_always_unless_it_was_taken(restartable: Bench) -> None:
    """A predecessor that was stopped comes back, unless its policy was taken first."""
    bench = restartable
    bench.define(
        Spec("always", restart="always"),
        Spec("taken", restart="always"),
        Spec("stopped", restart="unless-stopped"),
        Spec("running", restart="unless-stopped"),
        Spec("created", restart="always"),
    )
    bench.create("created")
    ids = {name: started(bench, name).id for name in ("always", "taken", "stopped", "running")}
    bench.engine.set_restart_policy(ids["taken"], "no")
    for name in ("always", "taken", "stopped"):
        bench.engine.stop(ids[name], 5.0)
    bench.restart_engine()

    def states() -> dict[str, State]:
        return {i.service: i.state for i in bench.engine.observe(bench.project).instances}

    wait_until(
        lambda: states()["always"] is states()["running"] is State.RUNNING, seconds=30, what="resurrection"
    )
    assert (states()["taken"], states()["stopped"]) == (State.EXITED, State.EXITED)
    assert states()["created"] is State.CREATED


# --- rename, remove -------------------------------------------------------------------------------


def test_a_new_name_is_a_new_role(bench: Bench) -> None:
    bench.define(Spec())
    instance = started(bench)
    for _ in range(2):
        bench.engine.rename(instance.id, f"{instance.name}.predecessor")
    renamed = instance_of(bench, instance.id)
    assert (renamed.role, renamed.serving_name) == (Role.PREDECESSOR, instance.name)
    assert renamed.state is State.RUNNING


def test_a_name_can_be_had_once(bench: Bench) -> None:
    bench.define(Spec("one"), Spec("two"))
    one, two = bench.create("one"), bench.create("two")
    with pytest.raises(EngineFailed, match="in use"):
        bench.engine.rename(two.id, one.name)
    assert instance_of(bench, two.id).name == two.name


def test_renaming_what_is_gone_fails(bench: Bench) -> None:
    with pytest.raises(EngineFailed):
        bench.engine.rename(GONE, "anything")


def test_removing_is_fine_however_often(bench: Bench) -> None:
    bench.define(Spec())
    instance = bench.create()
    for _ in range(2):
        bench.engine.remove(instance.id)
        assert bench.engine.inspect(instance.id) is None


def test_what_runs_is_not_removed(bench: Bench) -> None:
    bench.define(Spec())
    instance = started(bench)
    with pytest.raises(EngineFailed):
        bench.engine.remove(instance.id)
    assert seen(bench, instance.id).state is State.RUNNING


def test_removing_keeps_anonymous_volumes_unless_they_are_fresh(bench: Bench) -> None:
    bench.define(Spec(kind="volume"))
    kept = bench.create()
    volume = bench.volume(kept.id)
    bench.engine.remove(kept.id)
    assert volume in bench.volumes()
    fresh = bench.create()
    fresh_volume = bench.volume(fresh.id)
    bench.engine.remove(fresh.id, fresh_volumes=True)
    assert fresh_volume not in bench.volumes()
    bench.discard_volume(volume)


# --- succeed --------------------------------------------------------------------------------------


def test_a_successor_stands_in_for_its_predecessor(bench: Bench) -> None:
    bench.define(Spec(restart="always"))
    old = started(bench)
    new = instance_of(bench, successor(bench, old))
    assert (new.name, new.serving_name, new.role) == (f"{old.name}.successor", old.name, Role.SUCCESSOR)
    assert (new.number, new.service, new.config_hash) == (old.number, "web", HASH)
    assert (new.state, new.template, new.image_id) == (State.CREATED, False, old.image_id)
    assert bench.engine.restart_policy(new.id) == "always"
    assert instance_of(bench, old.id).state is State.RUNNING


def test_a_successor_has_its_predecessors_anonymous_volume(bench: Bench) -> None:
    bench.define(Spec(kind="volume"))
    old = started(bench)
    template = bench.template()
    volume, fresh = bench.volume(old.id), bench.volume(template.id)
    new = bench.engine.succeed(template, old, f"{old.name}.successor", HASH, {})
    bench.engine.remove(template.id, fresh_volumes=True)
    assert bench.volume(new) == volume != fresh
    assert volume in bench.volumes()
    assert fresh not in bench.volumes()


def test_an_abandoned_successor_leaves_the_volume_alone(bench: Bench) -> None:
    bench.define(Spec(kind="volume"))
    old = started(bench)
    volume = bench.volume(old.id)
    bench.engine.remove(successor(bench, old), fresh_volumes=True)
    assert volume in bench.volumes()


def test_a_removed_predecessor_leaves_the_volume_to_its_successor(bench: Bench) -> None:
    bench.define(Spec(kind="volume"))
    old = started(bench)
    volume, new = bench.volume(old.id), successor(bench, old)
    bench.engine.stop(old.id, 5.0)
    bench.engine.remove(old.id)
    assert bench.volume(new) == volume
    assert volume in bench.volumes()


def test_no_successor_without_a_free_name(bench: Bench) -> None:
    bench.define(Spec())
    old = bench.create()
    template = bench.template()
    count = len(bench.engine.observe(bench.project).instances)
    with pytest.raises(EngineFailed, match="in use"):
        bench.engine.succeed(template, old, old.name, HASH, {})
    assert len(bench.engine.observe(bench.project).instances) == count


def test_no_successor_without_a_template(bench: Bench) -> None:
    bench.define(Spec())
    old = bench.create()
    template = bench.template()
    bench.engine.remove(template.id)
    with pytest.raises(EngineFailed):
        bench.engine.succeed(template, old, f"{old.name}.successor", HASH, {})


def test_a_successor_joins_the_successor_of_what_its_predecessor_joined(bench: Bench) -> None:
    bench.define(Spec("base"), Spec("side", joins="base"))
    base = started(bench, "base")
    side = bench.create("side")
    assert instance_of(bench, side.id).network_of == base.id
    new_base = successor(bench, base)
    new_side = successor(bench, side, {base.id: new_base})
    assert instance_of(bench, new_side).network_of == new_base
    unchanged = bench.template("side")
    assert unchanged.network_of == base.id


def test_a_new_container_can_be_made_again_to_join_a_successor(bench: Bench) -> None:
    """Compose lets it join what runs; the successor of that is what it must join."""
    bench.define(Spec("base"), Spec("side", joins="base"))
    base = started(bench, "base")
    side = bench.create("side")
    new_base = successor(bench, base)
    again = bench.engine.succeed(side, side, f"{side.name}.successor", HASH, {base.id: new_base})
    bench.engine.remove(side.id, fresh_volumes=True)
    bench.engine.rename(again, side.name)
    found = instance_of(bench, again)
    assert (found.network_of, found.number, found.name) == (new_base, side.number, side.name)
    assert (found.state, found.config_hash) == (State.CREATED, HASH)


def test_nothing_starts_before_what_it_joins(bench: Bench) -> None:
    bench.define(Spec("base"), Spec("side", joins="base"))
    base, side = bench.create("base"), bench.create("side")
    with pytest.raises(EngineFailed):
        bench.engine.start(side.id)
    bench.engine.start(base.id)
    bench.engine.start(side.id)
    assert seen(bench, side.id).state is State.RUNNING


def test_the_whole_switch_and_back(bench: Bench) -> None:
    port = bench.free_port()
    bench.define(Spec(kind="volume", port=port, restart="always"))
    old = started(bench)
    new = successor(bench, old)
    engine = bench.engine
    engine.rename(old.id, f"{old.name}.predecessor")
    engine.rename(new, old.name)
    engine.set_restart_policy(old.id, "no")
    engine.stop(old.id, 5.0)
    engine.start(new)
    assert {name for _, name in engine.taken_ports().values() if name == old.name} == {old.name}
    assert instance_of(bench, new).role is Role.SERVING
    engine.stop(new, 5.0)
    engine.start(old.id)
    engine.set_restart_policy(old.id, "always")
    engine.rename(new, f"{old.name}.successor")
    engine.rename(old.id, old.name)
    assert seen(bench, old.id).state is State.RUNNING
    assert engine.restart_policy(old.id) == "always"
    assert {i.role for i in engine.observe(bench.project).instances} == {Role.SERVING, Role.SUCCESSOR}


# --- images ---------------------------------------------------------------------------------------


def test_an_image_is_missing_until_it_is_pulled(bench: Bench) -> None:
    image = bench.published()
    assert bench.engine.missing([image]) == (image,)
    assert bench.engine.image_id(image) == ""
    lines: list[str] = []
    bench.engine.pull(image, lines.append)
    assert lines
    assert bench.engine.missing([image]) == ()
    image_id = bench.engine.image_id(image)
    assert image_id.startswith("sha256:")
    assert bench.engine.digest_of(image_id, image.repository) == image.digest
    bench.engine.pull(image)


def test_missing_keeps_the_order_and_leaves_out_what_is_there(bench: Bench) -> None:
    image = bench.published()
    absent = [ImageRef(image.repository, "1", f"sha256:{digit * 64}") for digit in "92"]
    bench.engine.pull(image)
    assert bench.engine.missing([absent[0], image, absent[1]]) == tuple(absent)
    assert bench.engine.missing([]) == ()


def test_what_no_registry_has_cannot_be_pulled(bench: Bench) -> None:
    image = bench.published().with_digest(f"sha256:{'9' * 64}")
    with pytest.raises(PullFailed):
        bench.engine.pull(image)
    assert bench.engine.missing([image]) == (image,)


# --- the rest -------------------------------------------------------------------------------------


def test_only_running_containers_take_ports(bench: Bench) -> None:
    port = bench.free_port()
    bench.define(Spec(port=port))
    instance = bench.create()
    taken = f"127.0.0.1:{port}/tcp"
    assert taken not in bench.engine.taken_ports()
    bench.engine.start(instance.id)
    assert bench.engine.taken_ports()[taken] == (instance.id, instance.name)
    bench.engine.stop(instance.id, 5.0)
    assert taken not in bench.engine.taken_ports()


def test_a_local_engine_tells_its_free_room_and_its_version(bench: Bench) -> None:
    assert (bench.engine.free_bytes() or 0) > 0
    assert bench.engine.version()[0].isdigit()


def test_no_error_is_that_of_a_library(bench: Bench) -> None:
    for call in (bench.engine.start, bench.engine.restart_policy):
        with pytest.raises(ReconcileError, match="ffff"):
            call(GONE)
