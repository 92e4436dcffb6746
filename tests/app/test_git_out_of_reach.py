"""A release that is rejected while Git is out of reach: the report of that very pass says so."""

from __future__ import annotations

from dataclasses import replace

from reconciler.domain.environment import GitPolicy, Rollback
from reconciler.domain.report import Result
from reconciler.domain.undo import UndoState
from reconciler.errors import RepositoryUnreachable
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.domain.values import environment, svc


def test_what_git_cannot_be_told_is_in_the_report_of_the_pass_that_found_out() -> None:
    env = replace(environment(), rollback=Rollback(GitPolicy.PUSH))
    scene = Scene((svc("web"), svc("db")), env=env)
    passes = Passes(scene)
    scene.behave("web", "2", Behaviour(crashes=1))
    passes.reconciler.run_once()
    passes.release(web="2")
    passes.repository.troubles += [RepositoryUnreachable("nobody answers")] * 2  # rehearsal and push
    report = passes.reconciler.run_once()
    assert report.result is Result.ROLLED_BACK
    assert report.undo is not None
    assert (report.undo.state, report.undo.detail) == (UndoState.PENDING, "nobody answers")
