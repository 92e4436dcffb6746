"""A commit by plumbing: blob, trees, commit. Work tree, index and refs stay as they are.

No merge is ever made, so that there are no conflict markers, and the tree differs from its parent in the
edited files only: ``git revert`` in a clone of depth 1 deletes every file and exits 0. There is no temporary
index either: killed at any point, all that is left behind are objects that nothing refers to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.adapters.git.objects import TrackedFile, read_files
from reconciler.adapters.git.process import Git
from reconciler.errors import AlreadyThere, RepositoryFailed
from reconciler.ports import Edit


@dataclass(frozen=True, slots=True)
class Draft:
    """What a commit shall be, on whatever tip it ends up.

    ``author`` are the variables that name author and committer, empty for Git's own settings.
    """

    edits: Sequence[Edit]
    message: str
    author: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it may change, sorted."""
        return tuple(sorted({edit.path for edit in self.edits}))


def propose(git: Git, base: str, draft: Draft) -> str:
    """Write a commit on top of ``base`` and return its id; nothing refers to it yet.

    A draft without edits becomes a commit without changes: it is its message that matters.

    Raises:
        AlreadyThere: no edit changes anything at ``base``.
        Stale: one of them says so itself.
        InvalidState: a file to edit is not a readable regular file at ``base``.
        RepositoryFailed: git could not write or sign, or does not know who commits.
    """
    changed = _derive(read_files(git, base, draft.paths), draft.edits)
    if draft.edits and not changed:
        raise AlreadyThere(f"Nothing to commit: {', '.join(draft.paths)} already says so at {base[:7]}")
    return _commit(git, _tree(git, base, changed), base, draft)


def _derive(files: Sequence[TrackedFile], edits: Sequence[Edit]) -> tuple[TrackedFile, ...]:
    """The files whose text changes, with their new text; edits of one file apply one after the other."""
    texts = {file.path: file.text for file in files}
    for edit in edits:
        texts[edit.path] = edit.derive(texts[edit.path])
    return tuple(
        TrackedFile(file.path, file.mode, texts[file.path]) for file in files if texts[file.path] != file.text
    )


def _tree(git: Git, base: str, changed: Sequence[TrackedFile]) -> str:
    tree = f"{base}^{{tree}}"
    for file in changed:
        blob = git.ask("hash-object", "-w", "--stdin", feed=file.text.encode()).decode().strip()
        tree = _replaced(git, tree, file.path, f"{file.mode} blob {blob}")
    return tree


def _replaced(git: Git, tree: str, path: str, what: str) -> str:
    """The id of a tree in which ``path`` is ``what``, and everything else stays."""
    name, _, rest = path.partition("/")
    entries = git.ask("ls-tree", "-z", "--full-tree", tree).split(b"\0")[:-1]
    at = next(i for i, entry in enumerate(entries) if entry.partition(b"\t")[2] == name.encode())
    if rest:
        below = entries[at].split(b" ", 2)[2].partition(b"\t")[0].decode()
        what = f"040000 tree {_replaced(git, below, rest, what)}"
    entries[at] = f"{what}\t{name}".encode()
    listing = b"".join(entry + b"\0" for entry in entries)
    # In a clone without all objects, --missing keeps what was not fetched.
    return git.ask("mktree", "-z", "--missing", feed=listing).decode().strip()


def _commit(git: Git, tree: str, base: str, draft: Draft) -> str:
    # commit-tree itself does not look at commit.gpgSign.
    signing = git.run("config", "--type=bool", "--get", "commit.gpgSign").text.strip() == "true"
    answer = git.run(
        "commit-tree",
        *(["-S"] if signing else []),
        *("-p", base, "-F", "-", tree),
        feed=draft.message.rstrip("\n").encode() + b"\n",
        variables={**git.identity, **draft.author},
    )
    if answer.code == 0:
        return answer.out.decode().strip()
    if any(
        words in answer.err
        for words in ("tell me who you are", "empty ident name", "auto-detection is disabled")
    ):
        hint = (
            "git config --global user.name NAME and user.email ADDRESS, or GIT_AUTHOR_* and GIT_COMMITTER_*"
        )
        raise RepositoryFailed("Git does not know who commits", hint=hint)
    if signing:
        hint = "git config: gpg.format, gpg.program, gpg.ssh.program, user.signingKey (without passphrase)"
        what = f"The commit could not be signed (commit.gpgSign is on): {answer.complaint}"
        raise RepositoryFailed(what, hint=hint)
    raise RepositoryFailed(f"The commit could not be written: {answer.complaint}")
