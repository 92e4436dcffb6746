"""Names and commits of the past: what a typed revision means, and which commits changed a path."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.adapters.git.head import Layout, describe, look
from reconciler.adapters.git.names import Name, revision_name
from reconciler.adapters.git.process import Git
from reconciler.domain.desired import Revision
from reconciler.errors import Refused
from reconciler.ports import Commit

# A commit message cannot hold a NUL, but any other separator.
_FIELDS = ("%H", "%s", "%an", "%ct", "%(trailers:only,unfold)")


def resolve(git: Git, layout: Layout, text: str) -> Revision:
    """The revision that ``text`` stands for, by fully qualified lookups.

    Raises:
        Refused: it is not a name, or nothing is called that.
    """
    name = revision_name(text)
    if name.base == "HEAD":
        revision = look(git, layout).revision
        return describe(git, revision.commit + name.steps) if name.steps else revision
    ref, commit = _ref(git, name)
    if not commit:
        commit = _id(git, name, text)
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") and not name.steps else ""
    return describe(git, commit + name.steps, branch)


def log(git: Git, path: str, limit: int) -> tuple[Commit, ...]:
    """The commits that changed ``path``, children before their parents whatever their dates say.

    The top of the repository stands for every commit; as a path it would leave out those without changes.
    """
    answer = git.ask(
        "log",
        *("--topo-order", "--no-follow", "--no-show-signature", "--encoding=UTF-8"),
        *([f"--max-count={limit}"] if limit > 0 else []),
        *("--format=" + "".join(f"{field}%x00" for field in _FIELDS), "--end-of-options", "HEAD"),
        *(() if path == "." else ("--", path)),
    )
    words = answer.decode("utf-8", "replace").split("\0")[:-1]
    return tuple(_commit(words[at : at + len(_FIELDS)]) for at in range(0, len(words), len(_FIELDS)))


def _ref(git: Git, name: Name) -> tuple[str, str]:
    """The first existing ref that ``name`` may stand for, and its commit; empty where there is none."""
    places = name.refs()
    if not places:
        return "", ""
    # An annotated tag names a tag object; its commit is `*objectname`.
    answer = git.ask("for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)", "--", *places)
    lines = (line.split("\0") for line in answer.decode("utf-8", "replace").splitlines())
    found = {ref: peeled or plain for ref, plain, peeled in lines}
    return next(((ref, found[ref]) for ref in places if ref in found), ("", ""))


def _id(git: Git, name: Name, text: str) -> str:
    """The full commit id of an abbreviated one, which git must not take for something else."""
    if name.may_be_id:
        answer = git.run("rev-parse", "--verify", f"{name.base}^{{commit}}")
        commit = answer.text.strip()
        if answer.code == 0 and commit.startswith(name.base):
            return commit
        if "short object ID" in answer.err and "ambiguous" in answer.err:
            raise Refused(f"{text} is the beginning of more than one commit id", hint="Give more digits")
    hint = "git branch --all, git tag and git log say what there is; a shallow clone has little"
    raise Refused(f"Nothing in the repository is called {text}", hint=hint)


def _commit(words: list[str]) -> Commit:
    identity, subject, author, seconds, trailers = words
    # Not splitlines(): to git a U+2028 ends no line, so what follows it is still the value, not a trailer.
    pairs = (line.partition(":") for line in trailers.split("\n") if ":" in line)
    return Commit(
        identity.lstrip("\n"),
        subject,
        author,
        _moment(int(seconds)),
        tuple((key.strip(), value.strip()) for key, _, value in pairs),
    )


def _moment(seconds: int) -> datetime:
    """The time in UTC; git stores any number, a datetime ends with the year 9999."""
    last = datetime.max.replace(tzinfo=UTC, microsecond=0)
    return datetime.fromtimestamp(min(max(seconds, 0), int(last.timestamp())), UTC)
