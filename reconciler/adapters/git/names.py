"""Names that came from outside, refused before they could reach git as something else.

``git fetch origin --upload-pack=COMMAND`` runs a command and ``git show --output=FILE`` writes a file,
so a name never starts with a dash, and refs are passed fully qualified.
https://git-scm.com/docs/gitcli, https://git-scm.com/docs/git-check-ref-format
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.errors import Refused

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@+#=-]{0,200}")
_STEPS = re.compile(r"(?:[~^][0-9]{0,4}){1,8}")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ABBREVIATION = re.compile(r"[0-9a-f]{4,64}")
_PATH = re.compile(r"[\w.][^\x00-\x1f\x7f\ud800-\udfff]{0,4095}")
_PLACE = r"(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
_WHO = r"(?:(?P<user>[A-Za-z0-9_][\w.+-]*)(?P<password>:[^@/]*)?@)?"
_REMOTE = re.compile(
    rf"(?P<scheme>https|http|ssh)://{_WHO}{_PLACE}(?::[0-9]{{1,5}})?/[\w.~/%+=,@-]{{1,1000}}"
    rf"|(?P<file>file):///[\w.~/%+=,@-]{{1,1000}}"
    rf"|(?P<short>[A-Za-z0-9_][\w.+-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[\w~/.][\w.~/%+=,@-]{{0,1000}})",
    re.ASCII,
)
_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")
_QUALIFIED = ("refs/heads/", "refs/tags/", "refs/remotes/")


@dataclass(frozen=True, slots=True)
class Name:
    """A revision as people type it: ``base`` is a ref or an id, ``steps`` the ``~3`` or ``^`` behind it."""

    base: str
    steps: str = ""

    def refs(self) -> tuple[str, ...]:
        """The fully qualified refs that ``base`` may stand for; the first one that exists wins.

        A branch comes before a tag of the same name. A full object id is never looked up as a ref.
        """
        if is_object_id(self.base):
            return ()
        if self.base.startswith(_QUALIFIED):
            return (self.base,)
        places = (*_QUALIFIED[:2], "refs/remotes/origin/", "refs/remotes/")
        return tuple(place + self.base for place in places)

    @property
    def may_be_id(self) -> bool:
        """Whether ``base`` can be an object id, full or abbreviated to at least 4 digits."""
        return _ABBREVIATION.fullmatch(self.base) is not None


def revision_name(text: str) -> Name:
    """Take a typed revision apart.

    Raises:
        Refused: it is not a branch, tag or id, with at most a few ``~N`` or ``^N`` behind it.
    """
    cut = min((at for at in (text.find("~"), text.find("^")) if at >= 0), default=len(text))
    base, steps = text[:cut], text[cut:]
    if not _is_ref(base) or (steps and _STEPS.fullmatch(steps) is None):
        hint = "Give a branch, a tag or a commit id; HEAD~1 and the like work too"
        raise Refused(f"{_shown(text)} is not the name of a revision", hint=hint)
    return Name(base, steps)


def branch_name(text: str) -> str:
    """``text``, if it can be the name of a branch.

    Raises:
        Refused: it cannot, or only with characters that we do not pass on.
    """
    if not _is_ref(text):
        raise Refused(
            f"{_shown(text)} is not a branch name that can be used", hint="Letters, digits and ._/@+#=-"
        )
    return text


def remote_name(text: str) -> str:
    """``text``, if it can be the name of a remote; a URL is not one.

    Raises:
        Refused: it cannot.
    """
    if not _is_ref(text):
        raise Refused(
            f"{_shown(text)} is not the name of a remote", hint="Name one with git remote add origin URL"
        )
    return text


def remote_url(text: str) -> tuple[str, str]:
    """``text``, if a repository may be fetched from there, and the protocol that it names.

    Raises:
        Refused: it is no address, or one with a password in it, or others on the way could answer for it.
    """
    found = _REMOTE.fullmatch(text)
    if found is None or "/../" in f"{text}/":
        hint = "Use https://host/path, ssh://user@host/path, user@host:path, or file:///path"
        raise Refused("The address of the repository cannot be used", hint=hint)
    if found["password"] is not None:
        hint = "Leave the login to a credential helper of Git, or to an SSH key"
        raise Refused("The address of the repository holds a password, which others could read", hint=hint)
    if found["scheme"] == "http" and found["host"] not in _THIS_MACHINE:
        hint = "Anybody on the way could answer for it: use https:// or ssh://"
        raise Refused("The address of the repository is http://, and not on this machine", hint=hint)
    return text, found["scheme"] or found["file"] or "ssh"


def object_id(text: str) -> str:
    """``text``, if it is a full object id.

    Raises:
        Refused: it is not.
    """
    if not is_object_id(text):
        raise Refused(f"{_shown(text)} is not a full commit id")
    return text


def is_object_id(text: str) -> bool:
    """Whether ``text`` is a full object id, SHA-1 or SHA-256."""
    return _OBJECT_ID.fullmatch(text) is not None


def path_in_repository(text: str) -> str:
    """``text``, if it is a path below the top of the repository, with ``/`` and without ``..``.

    Raises:
        Refused: it is not.
    """
    parts = text.split("/")
    if _PATH.fullmatch(text) is None or any(part in ("", ".", "..") for part in parts):
        raise Refused(f"{_shown(text)} is not a path inside the repository")
    return text


def _is_ref(text: str) -> bool:
    """The parts of git-check-ref-format that the characters alone do not settle."""
    if _REF.fullmatch(text) is None or ".." in text or "//" in text or text.endswith(("/", ".")):
        return False
    return not any(part.startswith(".") or part.endswith(".lock") for part in text.split("/"))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")
