"""Each invariant's checker finds what breaks it: on made-up looks, events and reports."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e import invariants
from tests.e2e.canaries import needles, sung
from tests.e2e.containers import container
from tests.e2e.invariants import Claim
from tests.e2e.recorder import NUMBER, PROJECT, SERVICE, Event
from tests.e2e.snapshot import Scope, Snapshot
from tests.e2e.world import canary

OLD, NEW = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
NOTHING = Snapshot((), (), (), {}, {}, {})


def instance(
    id: str = "a",  # noqa: A002
    service: str = "web",
    *,
    status: str = "running",
    health: str = "",
    digest: str = OLD,
    published: bool = True,
) -> Snapshot:
    """A look at one container."""
    labels = {PROJECT: "shop", SERVICE: service, NUMBER: "1", invariants.HASH: digest}
    state: dict[str, Any] = {"Status": status, "StartedAt": "", "Pid": 1}
    if health:
        state["Health"] = {"Status": health}
    content = {
        "Id": id,
        "Name": f"/shop-{service}-1",
        "Config": {"Labels": labels, "Image": "web"},
        "Image": f"image-{digest}",
        "State": state,
        "HostConfig": {"PortBindings": {"8080/tcp": [{}]} if published else {}, "RestartPolicy": {}},
    }
    return replace(
        NOTHING, containers=(container(content),), digests={f"image-{digest}": frozenset({digest})}
    )


def both(one: Snapshot, other: Snapshot) -> Snapshot:
    return replace(
        one, containers=one.containers + other.containers, digests={**one.digests, **other.digests}
    )


def happened(action: str, id: str = "a", service: str = "web", kind: str = "container") -> Event:  # noqa: A002
    return Event(0, kind, action, id, {PROJECT: "shop", SERVICE: service, NUMBER: "1", "name": f"shop-{id}"})


SWITCH = [happened("die"), happened("start", "b")]


# -- I-1 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        (instance("b"), False),
        (instance("b", health="healthy"), False),
        (instance("b", health="starting"), True),
        (instance("b", health="unhealthy"), True),
        (instance("b", status="exited"), True),
        (instance("b", service="other"), True),
        (NOTHING, True),
    ],
)
def test_i_1_who_was_healthy_is_healthy_again(after: Snapshot, broken: bool) -> None:
    assert bool(invariants.serves_again(instance(), after)) == broken
    assert not invariants.serves_again(instance(status="exited"), after), "nobody was served when it began"
    assert not invariants.serves_again(instance(), after, removed=["web"])


@pytest.mark.parametrize(
    ("answers", "broken"),
    [(["1", "", "2"], False), (["1", "2", ""], True), (["", "1", ""], False), ([], False)],
)
def test_i_1_a_url_that_answered_answers_at_last(answers: list[str], broken: bool) -> None:
    assert bool(invariants.answers_again("url", [(0, text) for text in answers])) == broken


def test_i_1_somebody_runs_at_every_moment() -> None:
    start_first = [happened("start", "b"), happened("die")]
    assert not invariants.never_without("web", instance(), start_first)
    assert invariants.never_without("web", instance(), SWITCH)
    assert invariants.never_without("web", instance(), [happened("start", "b", "worker"), happened("die")])
    assert invariants.never_without("web", NOTHING, start_first), "nobody ran when it began"


# -- I-2 ------------------------------------------------------------------------------------------


def test_i_2_two_generations_never_share_a_port() -> None:
    start_first = [happened("start", "b"), happened("die")]
    assert not invariants.never_two(instance(), instance("b"), SWITCH)
    assert invariants.never_two(instance(), instance("b"), start_first)
    assert not invariants.never_two(instance(published=False), instance("b", published=False), start_first)
    assert invariants.never_two(NOTHING, instance("b"), [happened("start"), happened("start", "b")])


def test_i_2_an_answer_changes_only_where_something_started() -> None:
    assert not invariants.to_and_fro(("1", "2"), SWITCH)
    assert not invariants.to_and_fro(("1", "2", "1"), [*SWITCH, happened("die", "b"), happened("start")])
    assert invariants.to_and_fro(("1", "2", "1"), SWITCH)
    assert not invariants.to_and_fro((), [])


def test_i_2_one_generation_runs_at_last() -> None:
    assert not invariants.one_generation(both(instance(), instance("b")))
    assert invariants.one_generation(both(instance(), instance("b", digest=NEW)))
    assert not invariants.one_generation(both(instance(), instance("b", digest=NEW, status="exited")))
    assert not invariants.one_generation(both(instance(), instance("b", "worker", digest=NEW)))


# -- I-3 ------------------------------------------------------------------------------------------


def test_i_3_what_is_foreign_stays_as_it_was() -> None:
    before = replace(
        NOTHING, foreign={"volume data": 1}, in_use={"image": frozenset({"web:1", "web:rollback"})}
    )
    assert not invariants.foreign_untouched(before, before)
    assert not invariants.foreign_untouched(
        before, replace(before, foreign={"volume data": 1, "volume b": 1})
    )
    assert invariants.foreign_untouched(before, replace(before, foreign={}))
    assert invariants.foreign_untouched(before, replace(before, foreign={"volume data": 2}))
    assert invariants.foreign_untouched(
        before, replace(before, in_use={"image": frozenset({"web:rollback"})})
    )
    assert not invariants.foreign_untouched(before, replace(before, in_use={"image": frozenset({"web:1"})}))


def test_i_3_foreign_is_what_nobody_else_can_have_touched() -> None:
    ours, theirs = {PROJECT: "shop"}, {PROJECT: "shop-other"}
    shared, alone = (Scope("shop", "witness.x", "127.0.0.1:5000", alone) for alone in (False, True))
    assert shared.own(ours)
    assert not shared.own(theirs)
    assert not shared.own(None)
    assert shared.foreign({"witness.x": "1"})
    assert shared.foreign(theirs, "127.0.0.1:5000/web:1")
    assert not shared.foreign(theirs, "127.0.0.1:50001/web:1")
    assert alone.foreign(theirs, "127.0.0.1:50001/web:1")
    assert alone.foreign(None)
    assert not alone.foreign(ours, "127.0.0.1:5000/web:1")


def test_i_3_nothing_is_done_to_a_bystander() -> None:
    on_behalf = Event(0, "network", "disconnect", "net", {"container": "them"})
    assert invariants.foreign_silent({"them"}, [happened("rename", "them")])
    assert invariants.foreign_silent({"them"}, [on_behalf])
    assert not invariants.foreign_silent({"them"}, [happened("rename"), happened("exec_start: sh", "them")])


# -- I-4 ------------------------------------------------------------------------------------------

RUNS_OLD, RUNS_NEW = {"web": frozenset({OLD})}, {"web": frozenset({NEW})}
WANTS_NEW = {"web": NEW}


@pytest.mark.parametrize(
    ("result", "before", "after", "broken"),
    [
        ("converged", RUNS_OLD, RUNS_NEW, False),
        ("converged", RUNS_OLD, RUNS_OLD, True),
        ("converged", RUNS_OLD, {}, True),
        ("no-op", RUNS_NEW, RUNS_NEW, False),
        ("no-op", RUNS_OLD, RUNS_OLD, True),
        ("rolled-back", RUNS_OLD, RUNS_OLD, False),
        ("rolled-back", RUNS_OLD, RUNS_NEW, True),
        ("rollback-failed", RUNS_OLD, {}, False),
        ("rollback-failed", RUNS_OLD, RUNS_NEW, True),
        ("failed", RUNS_OLD, RUNS_NEW, True),
        ("failed", RUNS_NEW, RUNS_NEW, False),
    ],
)
def test_i_4_the_report_says_what_runs(
    result: str,
    before: dict[str, frozenset[str]],
    after: dict[str, frozenset[str]],
    broken: bool,
) -> None:
    assert bool(invariants.as_claimed(Claim(result, WANTS_NEW), before, after)) == broken


def test_i_4_what_is_blocked_need_not_run() -> None:
    assert not invariants.as_claimed(Claim("converged", WANTS_NEW, frozenset({"web"})), RUNS_OLD, RUNS_OLD)


def test_i_4_what_was_backruns_as_before() -> None:
    back = Claim("rolled-back", WANTS_NEW)
    assert not invariants.as_before(back, RUNS_OLD, RUNS_OLD)
    assert invariants.as_before(back, RUNS_OLD, {})
    assert invariants.as_before(back, RUNS_OLD, {"web": frozenset({"sha256:3"})})
    assert not invariants.as_before(Claim("converged", WANTS_NEW), RUNS_OLD, RUNS_NEW)


# -- I-6 ------------------------------------------------------------------------------------------


def test_i_6_a_pass_that_does_something_is_found() -> None:
    assert invariants.quiet("shop", (), [happened("rename")])
    assert invariants.quiet("shop", {"net"}, [Event(0, "network", "destroy", "net")])
    harmless = [happened("exec_start: wget"), happened("health_status: healthy")]
    assert not invariants.quiet("shop", {"net"}, [*harmless, Event(0, "network", "destroy", "other")])


# -- I-8 ------------------------------------------------------------------------------------------

SECRET = canary()
WRITTEN = {
    "as it is": f"GET /health?token={SECRET}",
    "quoted": quote(SECRET, safe=""),
    "quoted twice": quote(quote(SECRET, safe=""), safe=""),
    "JSON in JSON": json.dumps({"a": json.dumps(SECRET).replace("/", "\\/")}),
    "hexadecimal": SECRET.encode().hex(),
    "its beginning": SECRET[:20],
    "its end": SECRET[-22:],
    **{
        f"base64 of {user}": base64.b64encode(f"{user}:{SECRET}\n".encode()).decode()
        for user in ("ada", "bert", "carla")
    },
    **{
        f"base64url of {user}": base64.urlsafe_b64encode(f"{user}{SECRET}".encode()).decode()
        for user in ("", "?", "??")
    },
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN.keys())
def test_i_8_a_secret_is_found_however_it_is_written(text: str) -> None:
    assert sung({"TOKEN": SECRET}, [("a place", text.encode())]) == ["I-8: the value of TOKEN is in a place"]
    assert not sung({"TOKEN": canary()}, [("a place", text.encode())])


def test_i_8_a_secret_that_is_too_short_to_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        needles("hunter2")
    assert min(map(len, needles("p ß/+&\"'\\ twelve"))) >= 16
