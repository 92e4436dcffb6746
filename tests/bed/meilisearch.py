"""A double of a MeiliSearch server, from its documented API and its source at v1.50: none can be installed.

What it says is what tests/contract/test_search_contract.py asks, of it and of a real server (MEILI_URL and
MEILI_KEY):

- What changes something is a task: accepted with 202, done later, and perhaps not at all.
  https://www.meilisearch.com/docs/reference/api/tasks
- Deleting an index that is not there is accepted, and the task fails. Deleting takes the settings along.
- Documents for an index that is not there create it, without any settings.
- ``isIndexing`` says nothing of tasks that wait.
- An exchange of indexes is whole or not at all. It exchanges their names in the tasks before it, too, and
  belongs to no index in the list of tasks.
- No header: 401. A wrong key: 403. Only ``/health`` needs none.
- With a full queue nothing is accepted: 422, ``no_space_left_on_device``.

Tasks go on whenever somebody asks for something, one stage with each request, and not with the time: so tests
wait for nothing, and say themselves how slow it is.

>>> with MeiliDouble() as server:
...     server.fill("customers", 100)
...     server.fails("indexDeletion", "internal", "the disk is broken")
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote

Answer = tuple[int, Any]
KINDS = {"auth": {"missing_authorization_header", "invalid_api_key"}, "system": {"no_space_left_on_device"}}
STATUSES = {
    "missing_authorization_header": 401,
    "invalid_api_key": 403,
    "index_not_found": 404,
    "task_not_found": 404,
    "invalid_index_uid": 400,
    "invalid_swap_duplicate_index_found": 400,
    "bad_request": 400,
    "no_space_left_on_device": 422,
    "internal": 500,
}
QUEUE_FULL = (
    "Meilisearch cannot receive write operations because the limit of the task database has been reached. "
    "Please delete tasks to continue performing write operations."
)
WHEN = "2026-09-30T14:00:00.000000Z"
UNDER_WAY = ("enqueued", "processing")


class MeiliError(Exception):
    """What the server says no with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    @property
    def document(self) -> dict[str, str]:
        kind = next((kind for kind, codes in KINDS.items() if self.code in codes), "invalid_request")
        link = f"https://docs.meilisearch.com/errors#{self.code}"
        return {"message": self.message, "code": self.code, "type": kind, "link": link}


@dataclass
class Held:
    """One index: documents by id, and its settings."""

    documents: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass
class Task:
    """One task; `stages` are how many requests it still stays as it is. None: for ever."""

    uid: int
    kind: str
    index: str | None
    work: Callable[[], None]
    details: dict[str, Any] = field(default_factory=dict)
    status: str = "enqueued"
    stages: int | None = 1
    error: MeiliError | None = None
    canceled_by: int | None = None

    @property
    def summary(self) -> dict[str, Any]:
        return {
            "taskUid": self.uid,
            "indexUid": self.index,
            "status": self.status,
            "type": self.kind,
            "enqueuedAt": WHEN,
        }

    @property
    def view(self) -> dict[str, Any]:
        ended = None if self.status in UNDER_WAY else WHEN
        return {
            "uid": self.uid,
            "batchUid": None if self.status == "enqueued" else self.uid,
            "indexUid": self.index,
            "status": self.status,
            "type": self.kind,
            "canceledBy": self.canceled_by,
            "details": self.details,
            "error": self.error.document if self.error else None,
            "duration": "PT0.1S" if ended else None,
            "enqueuedAt": WHEN,
            "startedAt": None if self.status == "enqueued" else WHEN,
            "finishedAt": ended,
        }

    def mentions(self, index: str) -> bool:
        return index == self.index or any(index in pair["indexes"] for pair in self.details.get("swaps", ()))


class MeiliDouble:
    """The server, on loopback, from the beginning of a `with` to its end.

    `slowness` is for how many requests a task waits, and for how many it then runs. `full`: so is the queue,
    `down` that it answers 503. The tasks of indexes that are `stuck` never begin. `mute` are numbers
    of requests whose answer gets lost: they are done. `asked` is what came: method and path.
    """

    def __init__(self, key: str = "master-key-of-the-double") -> None:
        self.key = key
        self.indexes: dict[str, Held] = {}
        self.tasks: list[Task] = []
        self.slowness = 1
        self.full = False
        self.down = False
        self.mute: set[int] = set()
        self.asked: list[tuple[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.stuck: set[str] = set()
        self._planned: list[tuple[str, MeiliError | None]] = []
        self._lock = threading.RLock()
        self._server = _server(self)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # --- What tests do to it, and see of it -----------------------------------------------------------

    def fill(self, index: str, documents: int, **settings: Any) -> None:
        """An index is there, with so many documents: no task did that."""
        self.indexes[index] = Held({str(n): {"id": n} for n in range(documents)}, settings)

    def add(self, index: str, ids: Sequence[int]) -> int:
        """An application sends documents; returns the number of the task."""
        with self._lock:
            return self._add_documents(index, [{"id": n} for n in ids]).uid

    def fails(
        self, kind: str, code: str = "internal", message: str = "An internal error has occurred."
    ) -> None:
        """The next task of this kind fails."""
        self._planned.append((kind, MeiliError(code, message)))

    def cancels(self, kind: str) -> None:
        """The next task of this kind is canceled by somebody."""
        self._planned.append((kind, None))

    def count(self, index: str) -> int | None:
        """How many documents an index has."""
        held = self.indexes.get(index)
        return len(held.documents) if held is not None else None

    # --- The queue ------------------------------------------------------------------------------------

    def tick(self) -> None:
        """One stage more: one task at a time, in the order in which they came."""
        task = next(
            (one for one in self.tasks if one.status in UNDER_WAY and one.index not in self.stuck), None
        )
        if task is None or task.stages is None:
            return
        task.stages -= 1
        if task.stages > 0:
            return
        if task.status == "enqueued":
            task.status, task.stages = "processing", self.slowness
            return
        self._finish(task)

    def _finish(self, task: Task) -> None:
        planned = next((one for one in self._planned if one[0] == task.kind), None)
        if planned is not None:
            self._planned.remove(planned)
            if planned[1] is None:
                self._cancel([task])
                return
        try:
            if planned is not None and planned[1] is not None:
                raise planned[1]
            task.work()
            task.status = "succeeded"
        except MeiliError as error:
            task.status, task.error = "failed", error

    def _cancel(self, tasks: Sequence[Task]) -> Task:
        canceling = self._enqueue("taskCancelation", None, lambda: None)
        for task in tasks:
            task.status, task.canceled_by = "canceled", canceling.uid
        return canceling

    def _enqueue(self, kind: str, index: str | None, work: Callable[[], None], **details: Any) -> Task:
        if self.full:
            raise MeiliError("no_space_left_on_device", QUEUE_FULL)
        task = Task(len(self.tasks), kind, index, work, details, stages=self.slowness)
        self.tasks.append(task)
        return task

    # --- What can be asked ----------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """The answer to one request; None where it gets lost."""
        with self._lock:
            self.asked.append((method, target))
            self.headers.append(headers)
            path, _, query = target.partition("?")
            try:
                found = self._answer(method, path, parse_qs(query), headers, body)
            except MeiliError as error:
                found = STATUSES[error.code], error.document
            self.tick()
            return None if len(self.asked) in self.mute else found

    def _answer(
        self, method: str, path: str, query: dict[str, list[str]], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if self.down:
            return 503, {"message": "Service Unavailable"}
        if (method, path) == ("GET", "/health"):
            return 200, {"status": "available"}
        self._let_in(headers.get("Authorization", ""))
        words = {name: values[0] for name, values in query.items()}
        match method, [unquote(part) for part in path.strip("/").split("/")]:
            case "GET", ["tasks"]:
                return 200, self._list_tasks(words)
            case "POST", ["tasks", "cancel"]:
                wanted = [t for t in self.tasks if str(t.uid) in words["uids"] and t.status in UNDER_WAY]
                return 200, self._cancel(wanted).summary
            case "GET", ["tasks", uid]:
                return 200, self._task(uid).view
            case "POST", ["swap-indexes"]:
                return 202, self._swap([one["indexes"] for one in json.loads(body)]).summary
            case "GET", ["indexes"]:
                return 200, self._list_indexes(int(words.get("offset", 0)), int(words.get("limit", 20)))
            case "POST", ["indexes"]:
                return 202, self._create(json.loads(body)["uid"]).summary
            case _, ["indexes", index, *rest]:
                return self._of_index(method, _valid(index), rest, body)
            case _:
                return 404, ""

    def _of_index(self, method: str, index: str, rest: list[str], body: bytes) -> Answer:
        match method, rest:
            case "GET", []:
                self._held(index)
                return 200, {"uid": index, "createdAt": WHEN, "updatedAt": WHEN, "primaryKey": "id"}
            case "DELETE", []:
                return 202, self._enqueue("indexDeletion", index, lambda: self._delete(index)).summary
            case "GET", ["stats"]:
                return 200, self._stats(index)
            case "POST" | "PUT", ["documents"]:
                return 202, self._add_documents(index, json.loads(body)).summary
            case "DELETE", ["documents"]:
                clear = self._enqueue("documentDeletion", index, lambda: self._held(index).documents.clear())
                return 202, clear.summary
            case "GET", ["settings"]:
                return 200, self._held(index).settings
            case "PATCH", ["settings"]:
                settings = json.loads(body)
                change = self._enqueue(
                    "settingsUpdate", index, lambda: self._made(index).settings.update(settings)
                )
                return 202, change.summary
            case _:
                return 404, ""

    def _let_in(self, authorization: str) -> None:
        scheme, _, given = authorization.partition(" ")
        if not self.key:
            return
        if scheme != "Bearer":
            message = "The Authorization header is missing. It must use the bearer authorization method."
            raise MeiliError("missing_authorization_header", message)
        if given != self.key:
            raise MeiliError("invalid_api_key", "The provided API key is invalid.")

    def _list_tasks(self, words: dict[str, str]) -> dict[str, Any]:
        """Newest first. Who asks for indexes gets no tasks that belong to none."""
        wanted = {"indexUids": "index", "statuses": "status", "types": "kind"}
        found = [
            task
            for task in reversed(self.tasks)
            if all(str(getattr(task, of)) in words[by].split(",") for by, of in wanted.items() if by in words)
        ]
        start, limit = int(words.get("from", len(self.tasks))), int(words.get("limit", 20))
        rest = [task for task in found if task.uid <= start]
        shown, more = rest[:limit], rest[limit:]
        return {
            "results": [task.view for task in shown],
            "total": len(found),
            "limit": limit,
            "from": shown[0].uid if shown else None,
            "next": more[0].uid if more else None,
        }

    def _task(self, uid: str) -> Task:
        if not uid.isdigit() or int(uid) >= len(self.tasks):
            raise MeiliError("task_not_found", f"Task `{uid}` not found.")
        return self.tasks[int(uid)]

    def _list_indexes(self, offset: int, limit: int) -> dict[str, Any]:
        names = sorted(self.indexes)
        results = [{"uid": name, "primaryKey": "id"} for name in names[offset : offset + limit]]
        return {"results": results, "offset": offset, "limit": limit, "total": len(names)}

    def _stats(self, index: str) -> dict[str, Any]:
        count = len(self._held(index).documents)
        running = any(task.status == "processing" and task.mentions(index) for task in self.tasks)
        return {
            "numberOfDocuments": count,
            "rawDocumentDbSize": 4096,
            "avgDocumentSize": 40,
            "isIndexing": running,
            "numberOfEmbeddings": 0,
            "numberOfEmbeddedDocuments": 0,
            "fieldDistribution": {"id": count},
        }

    # --- What tasks do --------------------------------------------------------------------------------

    def _create(self, index: str) -> Task:
        def work() -> None:
            if index in self.indexes:
                raise MeiliError("index_already_exists", f"Index `{index}` already exists.")
            self.indexes[index] = Held()

        return self._enqueue("indexCreation", _valid(index), work)

    def _delete(self, index: str) -> None:
        self._held(index)
        del self.indexes[index]

    def _add_documents(self, index: str, documents: list[dict[str, Any]]) -> Task:
        def work() -> None:
            for one in documents:
                if not re.fullmatch(r"[A-Za-z0-9_-]{1,511}", str(one["id"])):
                    raise MeiliError("invalid_document_id", f"Document identifier `{one['id']}` is invalid.")
            self._made(index).documents.update({str(one["id"]): one for one in documents})

        return self._enqueue(
            "documentAdditionOrUpdate", _valid(index), work, receivedDocuments=len(documents)
        )

    def _swap(self, pairs: list[list[str]]) -> Task:
        names = [_valid(name) for pair in pairs for name in pair]
        if len(set(names)) < len(names):
            message = "Indexes must be declared only once during a swap."
            raise MeiliError("invalid_swap_duplicate_index_found", message)
        swaps = [{"indexes": list(pair), "rename": False} for pair in pairs]
        task = self._enqueue("indexSwap", None, lambda: self._exchange(task, pairs), swaps=swaps)
        return task

    def _exchange(self, task: Task, pairs: list[list[str]]) -> None:
        for name in (name for pair in pairs for name in pair):
            self._held(name)
        for one, other in pairs:
            self.indexes[one], self.indexes[other] = self.indexes[other], self.indexes[one]
            renamed = {one: other, other: one}
            for before in self.tasks[: task.uid]:
                before.index = renamed.get(before.index or "", before.index)
                for swap in before.details.get("swaps", ()):
                    swap["indexes"] = [renamed.get(name, name) for name in swap["indexes"]]

    def _held(self, index: str) -> Held:
        if index not in self.indexes:
            raise MeiliError("index_not_found", f"Index `{index}` not found.")
        return self.indexes[index]

    def _made(self, index: str) -> Held:
        """The index, which documents and settings create: without any settings of before."""
        return self.indexes.setdefault(index, Held())


def _valid(index: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,400}", index):
        message = (
            f"`{index}` is not a valid index uid. Index uid can be an integer or a string containing only "
        )
        raise MeiliError(
            "invalid_index_uid", message + "alphanumeric characters, hyphens (-) and underscores (_)."
        )
    return index


def _server(double: MeiliDouble) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = double.answer(self.command, self.path, dict(self.headers), body)
            if found is None:
                self.close_connection = True
                return
            status, document = found
            content = json.dumps(document).encode() if document != "" else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def __getattr__(self, name: str) -> Any:
            """Every method comes to `respond`."""
            if name.startswith("do_"):
                return self.respond
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is what is tested."""

    return Quiet(("127.0.0.1", 0), Handler)
