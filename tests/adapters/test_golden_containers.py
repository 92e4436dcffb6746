"""What a killed pass of an older version left on the engine is finished, or undone, by this one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconciler.adapters.docker_host.observe import COMPOSE_VERSION, CONFIG_HASH, observed
from reconciler.domain.desired import Desired, Revision, Service
from reconciler.domain.diff import diff
from reconciler.domain.observed import Observed
from reconciler.domain.plan import Plan
from tests.domain.values import COMMIT, environment, svc
from tests.golden import containers_1 as golden

MOMENTS = json.loads(golden.FILE.read_text())


def there(moment: str) -> Observed:
    return observed("shop", MOMENTS[moment])


def plan(moment: str, hash_of: str) -> str:
    """What is to be done where Git wants the container that has this ending to its name."""
    (wanted,) = [entry for entry in MOMENTS[moment] if entry["Names"] == [f"/shop-web-1{hash_of}"]]
    labels = wanted["Labels"]
    service: Service = replace(svc("web"), image=wanted["Image"], config_hash=labels[CONFIG_HASH], pin=None)
    desired = Desired(environment(), Revision(COMMIT, "main"), (service,), labels[COMPOSE_VERSION])
    found: Plan = diff(desired, there(moment))
    return str(found)


@pytest.mark.parametrize("moment", golden.KILLED_AT)
def test_k_08_what_each_container_is_can_be_told(moment: str) -> None:
    assert {one.service for one in there(moment).instances} == {"web"}
    assert len({one.role for one in there(moment).instances}) == 2
    assert {one.serving_name for one in there(moment).instances} == {"shop-web-1"}


SUCCESSOR, PREDECESSOR = "shop-web-1.successor", "shop-web-1.predecessor"
JUDGE = f"replace web ({PREDECESSOR}) onto shop-web-1: switched by an interrupted pass and never judged"
BACK = f"replace web (shop-web-1) onto {PREDECESSOR}: 2 → 1"
CLEAR = f"remove web ({SUCCESSOR}): left over by an interrupted pass"
RENAMED = f"start web ({PREDECESSOR}): left under its temporary name by an interrupted pass"


@pytest.mark.parametrize(
    ("moment", "wanted", "does"),
    [
        ("created", ".successor", f"replace web (shop-web-1) onto {SUCCESSOR}: 1 → 2"),
        ("half renamed", ".successor", f"replace web ({PREDECESSOR}) onto {SUCCESSOR}: 1 → 2"),
        ("stopped", "", f"replace web ({PREDECESSOR}) onto shop-web-1: 1 → 2"),
        ("never judged", "", JUDGE),
        ("judged", "", JUDGE),
        ("half undone", "", f"replace web ({PREDECESSOR}) onto shop-web-1: 1 → crash"),
        ("undone", ".successor", f"replace web (shop-web-1) onto {SUCCESSOR}: 1 → crash"),
    ],
)
def test_k_08_the_release_goes_on_where_git_still_wants_it(moment: str, wanted: str, does: str) -> None:
    assert plan(moment, wanted) == does


@pytest.mark.parametrize(
    ("moment", "wanted", "does"),
    [
        ("created", "", CLEAR),
        ("half renamed", ".predecessor", f"{RENAMED}\n{CLEAR}"),
        ("stopped", ".predecessor", BACK),
        ("never judged", ".predecessor", BACK),
        ("judged", ".predecessor", BACK),
        ("half undone", ".predecessor", BACK.replace("2", "crash")),
        ("undone", "", CLEAR),
    ],
)
def test_k_08_what_ran_before_comes_back_where_git_wants_that(moment: str, wanted: str, does: str) -> None:
    assert plan(moment, wanted) == does
