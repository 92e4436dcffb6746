"""The CouchDB of the tests: one of our own on loopback, or a real one where COUCHDB_URL says so.

Our own is PouchDB behind HTTP, with a front that answers as CouchDB 3.5 does (tests/couchdb).
"""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from reconciler.adapters.couchdb import CouchServer
from tests.bed.registry import free_port
from tests.bed.tools import BED, BedError, terminate, tool, wait_until

FRONT = Path(__file__).parents[1] / "couchdb" / "front.js"
USER = "admin"
PASSWORD = "Pa55/w:rd+%40 ünd"
"""With everything that a url would have to encode."""


@dataclass(frozen=True)
class CouchDb:
    """A server that can be asked. What tests do to it goes past the adapter."""

    url: str
    username: str = USER
    password: str = PASSWORD
    replication_url: str = ""
    made: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)

    def adapter(self, **others: Any) -> CouchServer:
        """The adapter, as an admin; ``others`` replace arguments of it."""
        usual: dict[str, Any] = {
            "replication_url": self.replication_url,
            "username": self.username,
            "password": self.password,
            "deadline_seconds": 20.0,
        }
        return CouchServer(str(others.pop("url", self.url)), **(usual | others))

    def fresh(self, name: str = "kompass") -> str:
        """A name that no database has; it is deleted when the tests are over."""
        found = f"{name}_{secrets.token_hex(4)}"
        self.made.append(found)
        return found

    def database(self, name: str = "kompass", *, query: str = "") -> str:
        """A new, empty database."""
        found = self.fresh(name)
        self.ask("PUT", f"/{quote(found, safe='')}{query}")
        return found

    def put(self, database: str, *documents: dict[str, Any], new_edits: bool = True) -> list[str]:
        """Write documents, as an application does; their new revisions."""
        content = {"docs": documents, "new_edits": new_edits}
        rows = self.ask("POST", f"/{quote(database, safe='')}/_bulk_docs", content)
        if wrong := [row for row in rows if "error" in row]:
            raise BedError(f"documents were refused: {wrong}")
        return [row["rev"] for row in rows]

    def end(self, database: str) -> dict[str, Any]:
        """One end of a replication, as `_replicate` wants it."""
        login = {"basic": {"username": self.username, "password": self.password}}
        return {"url": f"{self.replication_url or self.url}/{quote(database, safe='')}", "auth": login}

    def user(self, name: str, *roles: str) -> tuple[str, str]:
        """Make somebody who is no admin; name and password."""
        self.answer("PUT", "/_users")
        person = {"_id": f"org.couchdb.user:{name}", "name": name, "roles": roles, "type": "user"}
        self.people.append(f"/_users/{person['_id']}")
        self.ask("PUT", self.people[-1], person | {"password": name[::-1]})
        return name, name[::-1]

    def ask(
        self, method: str, path: str, content: object = None, *, user: tuple[str, str] | None = None
    ) -> Any:
        """One request; what was answered, whatever the status was not."""
        status, found = self.answer(method, path, content, user=user)
        if not 200 <= status < 300:
            raise BedError(f"{method} {path}: {status} {found}")
        return found

    def answer(
        self, method: str, path: str, content: object = None, *, user: tuple[str, str] | None = None
    ) -> tuple[int, Any]:
        """One request: status and JSON."""
        login = b64encode(":".join(user or (self.username, self.password)).encode()).decode()
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def clean(self) -> None:
        """Delete what the tests made."""
        for person in self.people:
            status, found = self.answer("GET", person)
            if status == 200:
                self.ask("DELETE", f"{person}?rev={found['_rev']}")
        for name in self.ask("GET", "/_all_dbs"):
            if any(name.startswith(one) for one in self.made):
                self.answer("DELETE", f"/{quote(name, safe='')}")


class CouchDbProcess:
    """A server of our own, one process. With ``keep``, what it has survives `kill` and `start`.

    >>> with CouchDbProcess() as process:
    ...     process.server.database("kompass")

    Args:
        keep: write everything to disk, too.
        pause_seconds: how long each batch of 100 documents of a replication takes at least.
        alias: ``host:port`` by which the server knows itself, beside its address.
    """

    def __init__(self, *, keep: bool = False, pause_seconds: float = 0, alias: str = "") -> None:
        self.keep = keep
        self.pause_seconds = pause_seconds
        self.alias = alias
        self.server = CouchDb(f"http://127.0.0.1:{free_port()}")
        self._folder = Path(tempfile.mkdtemp(prefix="reconcile-couchdb-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start, also again after `stop` or `kill`: at the same address."""
        packages = Path(os.environ.get("RECONCILE_BED_COUCHDB") or BED / "couchdb")
        if not (packages / "stamp").exists():
            raise BedError("the packages of the tests' CouchDB are missing: run scripts/bed up")
        said = self._folder / "stdout"
        environment = {
            "PATH": os.environ["PATH"],
            "RECONCILE_BED_COUCHDB": str(packages),
            "COUCHDB_USER": USER,
            "COUCHDB_PASSWORD": PASSWORD,
            "COUCHDB_PORT": str(urlsplit(self.server.url).port),
            "COUCHDB_ALIAS": self.alias,
            "COUCHDB_PAUSE_MS": str(self.pause_seconds * 1000),
        }
        if self.keep:
            environment["COUCHDB_LOG"] = str(self._folder / "data")
        with said.open("wb") as out, (self._folder / "stderr").open("ab") as log:
            self._process = subprocess.Popen(
                [tool("node"), FRONT],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self._ready(said), seconds=30, what="the CouchDB of the tests ready")

    def stop(self) -> None:
        if self._process is not None:
            terminate(self._process)
            self._process = None

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def complaints(self) -> str:
        """What it wrote to its standard error."""
        return (self._folder / "stderr").read_text()

    def _ready(self, said: Path) -> bool:
        if self._process is not None and (code := self._process.poll()) is not None:
            raise BedError(f"the CouchDB of the tests exited with {code}:\n{self.complaints}")
        return said.read_text().endswith("\n")


def real_server() -> CouchDb | None:
    """The server that COUCHDB_URL names, with user and password in it or in variables of their own."""
    if not (given := os.environ.get("COUCHDB_URL")):
        return None
    parts = urlsplit(given)
    return CouchDb(
        urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")),
        os.environ.get("COUCHDB_USER") or unquote(parts.username or ""),
        os.environ.get("COUCHDB_PASSWORD") or unquote(parts.password or ""),
        os.environ.get("COUCHDB_REPLICATION_URL", ""),
    )
