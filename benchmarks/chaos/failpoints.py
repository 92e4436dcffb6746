"""T-1: killed before and after everything that outlives the program, then one fresh pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from benchmarks.chaos.trials import judged, of_other_kinds, repeated, usual
from benchmarks.figures import Figure
from reconciler.app.fenced import DATA_CHANGES, SEARCH_CHANGES
from reconciler.interface.failpoints import SIDES, names
from tests.bed.registry import Registry
from tests.e2e.images import Images
from tests.e2e.killing import Failpoint, Kind, Trial, tried
from tests.e2e.killing_scenes import OF_OTHER_KINDS, OF_TWO_SERVICES, Scene
from tests.e2e.origin import Origin

MOST_SECONDS = 15.0
OF_DATA = frozenset({"step.backup", *DATA_CHANGES, *SEARCH_CHANGES})
"""Of passes over databases and search servers. They are killed by tests/app/test_restore_killed.py,
tests/app/test_reindex_killed.py and tests/e2e/test_restore.py."""
NOT_IN_A_RELEASE = frozenset(
    {
        *("step.pull", "step.ready", "step.start", "step.stop", "step.restart"),
        *("engine.pull", "engine.untag", "compose.create", "journal.unblock", "journal.observe"),
        *("step.hook", "hooks.run", *OF_DATA),
    }
)
"""What a release of two services whose images are on the host never comes by: the scenes do."""

Asked = Callable[[Origin], Trial]


def measure(count: int) -> Iterator[Figure]:
    """Everything ``count`` times: a release at each failpoint, good and bad, and each scene at its own."""
    with Registry() as registry:
        images = Images(registry)
        try:
            trials: list[Trial] = []
            for name, stage, asked in (
                ("a release", usual, _of_a_release()),
                ("what else may be", usual, _of(OF_TWO_SERVICES)),
                ("services of other kinds", of_other_kinds, _of(OF_OTHER_KINDS)),
            ):
                done = repeated(partial(stage, images), [*asked] * count)
                yield from judged(f"T-1 failpoints: {name}", done, MOST_SECONDS)
                trials += done
            yield reached(trials)
        finally:
            images.close()


def _of_a_release() -> Iterable[Asked]:
    usual_names = [name for name in names() if name.partition(":")[0] not in NOT_IN_A_RELEASE]
    return [partial(_killed, kind, name) for name in usual_names for kind in (Kind.GOOD, Kind.BAD)]


def _killed(kind: Kind, name: str, origin: Origin) -> Trial:
    return tried(origin, kind, [Failpoint(name)])


def _of(scenes: Sequence[Scene]) -> Iterable[Asked]:
    """Their failpoints in turn, one of each scene: a scene may have to begin with what another one left."""
    each = [[(scene, name) for name in _sides(scene)] for scene in scenes]
    longest = max(map(len, each))
    in_turn = [some[number] for number in range(longest) for some in each if number < len(some)]
    return [partial(_killed_in, scene, name) for scene, name in in_turn]


def _sides(scene: Scene) -> Iterator[str]:
    for point in scene.points:
        name, again, time = point.partition("#")
        yield from (f"{name}:{side}{again}{time}" for side in SIDES)


def _killed_in(scene: Scene, name: str, origin: Origin) -> Trial:
    return scene.killed(origin, name)


def reached(trials: Sequence[Trial]) -> Figure:
    """How many failpoints there were any kills at, of those that are not of data."""
    said = [one.killed[0] for one in trials if one.killed and one.killed[0].endswith(": killed")]
    passed = {one.partition(": ")[0].partition("#")[0] for one in said}
    wanted = [name for name in names() if name.partition(":")[0] not in OF_DATA]
    missed = [name for name in wanted if name not in passed]
    found = f"{len(wanted) - len(missed)} of {len(wanted)}"
    detail = f"not: {', '.join(missed) or 'none'}; {len(names()) - len(wanted)} are of data"
    return Figure("T-1 failpoints reached", "all", found, detail, not missed)
