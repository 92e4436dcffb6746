"""The CouchDB of the demo, which is the one of the tests, and who writes to it."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world import HERE, free_ports

USER, PASSWORD = "admin", "demo-password"
DATABASE = "orders"


@dataclass(frozen=True, slots=True)
class Database:
    """One database of orders."""

    url: str

    def ask(self, method: str, path: str, content: object = None) -> Any:
        """One request to the server; the JSON of its answer."""
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url}/{path}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def order(self, first: int, count: int) -> None:
        """Customers order: so many new documents."""
        documents = [
            {"_id": f"order-{n:05}", "items": n % 7 + 1, "paid": False} for n in range(first, first + count)
        ]
        self.ask("POST", f"{DATABASE}/_bulk_docs", {"docs": documents})

    def count(self) -> int:
        """How many orders there are."""
        return int(self.ask("GET", DATABASE)["doc_count"])

    def orders(self) -> dict[str, Any]:
        """What the orders say, without their revisions."""
        rows = self.ask("GET", f"{DATABASE}/_all_docs?include_docs=true")["rows"]
        return {row["id"]: {k: v for k, v in row["doc"].items() if k != "_rev"} for row in rows}


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """A server on loopback with an empty database of orders, for as long as the block takes."""
    (port,) = free_ports(1)
    environment = {
        "PATH": os.environ["PATH"],
        "RECONCILE_BED_COUCHDB": os.environ["RECONCILE_BED_COUCHDB"],
        "COUCHDB_USER": USER,
        "COUCHDB_PASSWORD": PASSWORD,
        "COUCHDB_PORT": str(port),
    }
    front = HERE.parent / "tests" / "couchdb" / "front.js"
    with (folder / "couchdb.log").open("wb") as log:
        # A group of its own, so that Ctrl-C leaves it up until the story has ended.
        process = subprocess.Popen(
            ["node", front],
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        made = Database(f"http://127.0.0.1:{port}")
        _await(port, process, folder / "couchdb.log")
        made.ask("PUT", DATABASE)
        yield made
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the database does not answer:\n{log.read_text()}")
