"""What would have changed a decision: the same evidence, judged by other words of ``reconcile.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.domain.foreign import foreign
from reconciler.domain.severity import Decision, Matrix, Phase, Response, Ruling, Severity, Verdict, decide
from reconciler.interface.render.phrases import listed

_CHECK = "check "
_WOULD = {
    Response.KEEP: "have kept it",
    Response.REPORT: "have reported it only",
    Response.ALERT: "have alerted instead",
    Response.ROLL_BACK: "have rolled it back",
}


def otherwise(decision: Decision, matrix: Matrix) -> list[str]:
    """Sentences like ``severity: medium on check search would have alerted instead``.

    Only what would have been done counts, not when: so it does not matter whether somebody stayed for it.

    Args:
        decision: what was decided.
        matrix: of the environment, as it is now.
    """
    judged = decision.deciding or tuple(r for r in decision.rulings if r.verdict is not Verdict.PASS)
    if not judged:
        return []
    ours = [ruling for ruling in judged if ruling.check.startswith(_CHECK)]
    if len(ours) < len(judged):
        return ["a container has to run: no severity of reconcile.yaml changes that"]
    again = _Again(decision, matrix)
    return [*again.with_severities(ours), *again.with_silence(ours)]


class _Again:
    """The decision made again, with some rulings changed."""

    def __init__(self, decision: Decision, matrix: Matrix) -> None:
        self._decision, self._matrix = decision, matrix

    def with_severities(self, judged: Sequence[Ruling]) -> list[str]:
        """One sentence for each response that other severities would have led to."""
        sentences: dict[Response, str] = {}
        names = listed([foreign(ruling.check, 60) for ruling in judged])
        for severity in Severity:
            response = self._response(judged, [self._ruled(r, severity) for r in judged])
            if response is not self._decision.reaction.response and response not in sentences:
                sentences[response] = f"severity: {severity} on {names} would {_WOULD[response]}"
        return list(sentences.values())

    def with_silence(self, judged: Sequence[Ruling]) -> list[str]:
        """What a milder bound would have done, where checks could not be made."""
        silent = [ruling for ruling in judged if ruling.verdict is Verdict.INCONCLUSIVE]
        if len(silent) < len(judged) or self._decision.reaction.response is not Response.ROLL_BACK:
            return []
        phase = self._decision.phase
        sentences = []
        for bound in (Response.ALERT, Response.REPORT):
            mild = replace(self._matrix, inconclusive={**self._matrix.inconclusive, phase: bound})
            again = _Again(self._decision, mild)
            response = again._response(silent, [again._ruled(r, r.severity) for r in silent])
            if response is not self._decision.reaction.response:
                sentences.append(f"inconclusive: {{{phase}: {bound}}} would {_WOULD[response]}")
        return sentences

    def _ruled(self, ruling: Ruling, severity: Severity) -> Ruling:
        phase = self._decision.phase
        reaction = self._matrix.reaction(severity, ruling.verdict, phase, attended=False)
        return replace(ruling, severity=severity, reaction=reaction)

    def _response(self, old: Sequence[Ruling], new: Sequence[Ruling]) -> Response:
        """The response with ``new`` instead of ``old``."""
        rest = [ruling for ruling in self._decision.rulings if ruling not in old]
        return decide([*rest, *new], Phase(self._decision.phase)).reaction.response
