"""What the schema cannot say about checks and the decision matrix."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.adapters.state_files import requests
from reconciler.adapters.state_files.checks import kind_of
from reconciler.adapters.state_files.credentials import credentials
from reconciler.adapters.state_files.matrix import delay
from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.quantities import seconds, share
from reconciler.adapters.state_files.source import Source, did_you_mean
from reconciler.adapters.state_files.written import Written
from reconciler.domain.check import Latency
from reconciler.errors import Finding

_LONGEST: Final = {"interval": "1h", "timeout": "10m", "start_period": "1h", "full_within": "24h"}
_LONGEST_DELAY: Final = "24h"
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def broken_rules(source: Source, environment: Written) -> Iterator[Finding]:
    """The findings of one environment that the schema has accepted."""
    yield from _delays(source, environment)
    checks = {name.value: Written(node) for name, node in environment.part("gate").entries("checks")}
    for written in checks.values():
        kind = kind_of(written)
        question = written.part(kind)
        asked = requests.steps(written.node(kind)) if kind == "flow" else (question,)
        yield from _too_long(source, (written, *(() if kind == "http" else (question,))))
        yield from _of(source, question, checks)
        yield from _regular_expressions(source, asked)
        yield from _ranges(source, asked)
        if kind == "latency":
            yield from _thresholds(source, question)
        if kind == "flow":
            yield from _captured_too_late(source, asked)
        if kind in ("http", "flow", "query"):
            yield from credentials(source, asked)


def _delays(source: Source, environment: Written) -> Iterator[Finding]:
    for _, node in environment.entries("severity"):
        for _, after in node.entries if isinstance(node, Mapping) else ():
            if isinstance(after, Text) and delay(after.value) > seconds(_LONGEST_DELAY):
                yield _at(source, after, f"a delay is at most {_LONGEST_DELAY}")


def _too_long(source: Source, parts: Iterable[Written]) -> Iterator[Finding]:
    for part in parts:
        for key, longest in _LONGEST.items():
            text = part.scalar(key)
            if text is not None and seconds(text.value) > seconds(longest):
                yield _at(source, text, f"{key!r} is at most {longest}")


def _of(source: Source, question: Written, checks: dict[str, Written]) -> Iterator[Finding]:
    """What ``of`` names must be a check whose answers take time and have a status."""
    of = question.scalar("of")
    if of is None:
        return
    answering = [name for name, check in checks.items() if kind_of(check) in ("http", "flow")]
    if of.value in answering:
        return
    hint = did_you_mean(of.value, answering) or (
        f"HTTP checks and flows here: {', '.join(answering)}" if answering else "add an HTTP check or a flow"
    )
    if of.value in checks:
        kind = kind_of(checks[of.value])
        yield _at(
            source, of, f"{of.value!r} is a check of the kind {kind!r}, not an HTTP check or a flow", hint
        )
    else:
        yield _at(source, of, f"no check of this environment is called {of.value!r}", hint)


def _regular_expressions(source: Source, parts: Iterable[Written]) -> Iterator[Finding]:
    for part in parts:
        headers = (node for _, node in part.entries("header"))
        for text in (part.node("match"), *headers):
            problem = _uncompilable(text.value) if isinstance(text, Text) else ""
            if isinstance(text, Text) and problem:
                yield _at(source, text, f"this is not a regular expression: {problem}", "escape it with '\\'")


def _uncompilable(pattern: str) -> str:
    """Why Python does not take it, or takes it only with a warning; empty where it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, Warning) as error:
        return str(error)
    except (RecursionError, OverflowError):
        return "it is too complicated"
    return ""


def _ranges(source: Source, parts: Iterable[Written]) -> Iterator[Finding]:
    for part in parts:
        node = part.node("status")
        for item in node.items if isinstance(node, Items) else (node,):
            (low, high), *_ = requests.statuses(item)
            if isinstance(item, Text) and low > high:
                yield _at(source, item, "the range is empty", f"write {high}-{low}")


def _thresholds(source: Source, latency: Written) -> Iterator[Finding]:
    worse = latency.part("worse_than")
    low, high = worse.scalar("low"), worse.scalar("high")
    usual = Latency("")
    lower = share(low.value) if low is not None else usual.low
    upper = share(high.value) if high is not None else usual.high
    where = low or high
    if where is not None and lower > upper:
        message = f"'low' ({lower * 100:g}%) is more than 'high' ({upper * 100:g}%)"
        yield _at(
            source, where, message, "slower by up to 'low' is only reported, by more than 'high' is high"
        )


def _captured_too_late(source: Source, steps: tuple[Written, ...]) -> Iterator[Finding]:
    """Names that a step uses before any step has captured them."""
    first: dict[str, int] = {}
    for number, step in enumerate(steps, 1):
        for name, _ in step.entries("capture"):
            first.setdefault(name.value, number)
    for number, step in enumerate(steps, 1):
        for text in _filled(step):
            for name in _NAME.findall(text.value):
                if first.get(name, 0) >= number:
                    message = f"{name!r} is captured in step {first[name]}, and this is step {number}"
                    yield _at(source, text, message, "use it in a later step, or give it another name")


def _filled(step: Written) -> Iterator[Text]:
    """Every scalar of a step in which ``${NAME}`` is replaced."""
    for key in (*requests.VERBS, "headers", "body", "json", "form"):
        node = step.node(key)
        if node is not None:
            yield from _scalars(node)


def _scalars(node: Node) -> Iterator[Text]:
    match node:
        case Text():
            yield node
        case Items():
            for item in node.items:
                yield from _scalars(item)
        case Mapping():
            for _, value in node.entries:
                yield from _scalars(value)


def _at(source: Source, node: Text, message: str, hint: str = "") -> Finding:
    return source.finding(node.line, node.column, message, hint)
