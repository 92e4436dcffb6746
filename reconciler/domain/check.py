"""What a gate asks, as values: a closed union of questions, and of comparisons with what ran before.

``${NAME}`` in addresses, headers and bodies stands for a secret of the environment or a value that an
earlier request of the flow captured. It is filled in by the probe, never here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a good answer looks like.

    ``statuses`` are ranges with both ends. ``headers`` map names to regular expressions, ``body`` is one
    that must be found in the first 64 KiB. ``json`` maps paths (``items[0].name``) to the expected value, as
    JSON text; an empty text asks only that the path is there.
    """

    statuses: tuple[tuple[int, int], ...] = ((200, 299),)
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    json: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    At most one of ``body`` (text), ``json`` (JSON text) and ``form`` (fields) is not empty.
    ``capture`` maps names to where in the answer their value is: a JSON path, ``header:NAME`` or
    ``cookie:NAME``; flows use them as ``${name}``.
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    json: str = ""
    form: tuple[tuple[str, str], ...] = ()
    expect: Expectation = field(default_factory=Expectation)
    capture: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Tls:
    """How a certificate is checked; ``authority`` is a file of certificates instead of the system's."""

    verify: bool = True
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Http:
    """Ask once. ``redirects`` is how many are followed, on the same host only."""

    request: Request
    redirects: int = 0
    tls: Tls = field(default_factory=Tls)


@dataclass(frozen=True, slots=True)
class Flow:
    """Several requests in order, which share cookies and captured values; the first bad answer ends it."""

    requests: tuple[Request, ...]
    redirects: int = 0
    tls: Tls = field(default_factory=Tls)


@dataclass(frozen=True, slots=True)
class Tcp:
    """Whether something accepts connections there."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Query:
    """A Prometheus instant query; every value of its result must meet the threshold, and there must be one.

    ``operator`` is one of ``<``, ``<=``, ``>``, ``>=``, ``==``, ``!=``.
    """

    url: str
    query: str
    operator: str
    threshold: float
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Database:
    """Whether a CouchDB server is up, and a database is there with so many documents at least.

    ``username`` is empty where nobody has to sign in. ``documents`` counts neither what was deleted nor
    conflicts.
    """

    url: str
    database: str
    documents: int = 0
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """Whether a MeiliSearch server is available, and an index is there with so many documents at least.

    ``key`` is empty for a server without any.
    """

    url: str
    index: str
    documents: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Exec:
    """A command inside each container of a service; exit code 0 is good."""

    service: str
    command: tuple[str, ...]


Asked = Http | Flow | Tcp | Query | Database | SearchIndex
"""What can be asked from outside, by ``ports.Probe``."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the answers to another check take, against the same on the predecessor.

    ``of`` names an HTTP check or a flow. Worse by more than ``high`` (0.5 is 50 %) is of severity high, by up
    to ``low`` is reported only, in between medium. ``samples`` is how many are needed at least.
    """

    of: str
    high: float = 0.5
    low: float = 0.2
    percentile: int = 50
    samples: int = 20


@dataclass(frozen=True, slots=True)
class Errors:
    """The share of answers to another check that say 5xx: at most ``rate``, and no more than before."""

    of: str
    rate: float = 0.05
    samples: int = 20


@dataclass(frozen=True, slots=True)
class Logs:
    """What containers write: new kinds of lines that ``match``, and how many such lines there are.

    ``new`` is how many kinds of matching lines may appear that the predecessor did not write; None for
    any number. ``per_minute`` bounds the matching lines, new or not; None for no bound.
    """

    services: tuple[str, ...]
    match: str = "(?i)error|exception|fatal|panic"
    new: int | None = 0
    per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of containers: growth over the soak, use of the limit, and both against the predecessor.

    ``growth`` is how much more than the predecessor a container may use (0.5 is 50 %); ``limit`` the share of
    its limit that it may use; ``full_within_seconds`` how soon it must not reach that limit at the rate at
    which it grows.
    """

    services: tuple[str, ...]
    growth: float = 0.5
    limit: float = 0.9
    full_within_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor time of containers: ``growth`` against before, ``limit`` of what they may use."""

    services: tuple[str, ...]
    growth: float = 1.0
    limit: float = 0.95


Compared = Latency | Errors | Logs | Memory | Cpu
"""What is measured for a while and compared with the baseline."""

Question = Asked | Exec | Compared


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a gate, and when it counts as failed.

    Args:
        name: unique in its environment.
        question: what is asked.
        severity: what a failure means; see ``domain.severity``.
        interval_seconds: how far samples are apart; 0 for as often as is useful.
        time_limit_seconds: how long one sample may take.
        successes: how many good samples in a row make it good.
        failures: how many bad samples in a row make it fail.
        start_period_seconds: for how long from the start of the gate bad samples do not count.
    """

    name: str
    question: Question
    severity: Severity = Severity.CRITICAL
    interval_seconds: float = 0.0
    time_limit_seconds: float = 5.0
    successes: int = 1
    failures: int = 3
    start_period_seconds: float = 0.0
