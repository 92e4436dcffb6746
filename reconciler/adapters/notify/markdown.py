"""An event as Markdown, for issues and tickets: text of others is text there, and nobody is mentioned."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from reconciler.adapters.notify.wording import left_out, moved, run_link, when
from reconciler.domain.events import Event
from reconciler.domain.foreign import text_of

_CUT = "_More was left out: it would have been too long._"
_DETAILS = re.compile(
    r"<details><summary>(?P<title>.*?)</summary>\n\n<pre>\n(?P<body>.*?)\n</pre>\n\n</details>", re.DOTALL
)


def body(event: Event, link: str, most: int) -> str:
    """The whole message, in at most ``most`` bytes.

    Args:
        event: what happened.
        link: where runs can be read, with ``{run}`` in it.
        most: more of the details is left out, by whole lines.
    """
    summary = f"**{text_of(event.summary, 500)}**"
    blocks = [summary, "\n".join(_facts(event, link))]
    if event.moves:
        blocks.append("\n".join(_moves(event)))
    if event.reason:
        blocks.append(f"Reason: {text_of(event.reason, 1000)}")
    if event.details:
        blocks.append(_closed(event.details))
    return bounded("\n\n".join(blocks), most)


def bounded(text: str, most: int) -> str:
    """At most ``most`` bytes of Markdown of ours."""
    if len(text.encode()) <= most:
        return text
    room = most - len(_CUT) - 40
    kept = text.encode()[:room].decode("utf-8", "ignore").rpartition("\n")[0]
    return f"{_closed(kept)}\n\n{_CUT}"


def _closed(text: str) -> str:
    """Markdown of ours that may have been cut anywhere: half a tag is dropped, what is open is closed.

    Text of others has no tags, so that what is open can be counted.
    """
    whole = re.sub(r"<[^<>]*\Z", "", text)
    for start, end in (("<pre>", "\n</pre>\n"), ("<details>", "\n</details>")):
        if whole.count(start) > whole.count(end.strip()):
            whole += end
    return whole


def without_html(markdown: str) -> str:
    """The same for renderers that know no HTML: what was collapsed is a block of code, comments are gone."""
    shown = re.sub(r"<!-- .*? -->\n?", "", markdown)
    return _DETAILS.sub(_fenced, shown)


def _fenced(found: re.Match[str]) -> str:
    text = html.unescape(found["body"])
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{text_of(html.unescape(found['title']))}\n\n{fence}\n{text}\n{fence}"


def _facts(event: Event, link: str) -> Iterator[str]:
    run = text_of(event.run, 100)
    address = run_link(link, event)
    facts = [
        ("Environment", text_of(event.environment, 100)),
        ("Severity", str(event.severity)),
        ("When", when(event)),
        ("Run", f"[{run}]({_target(address)})" if address else run),
        ("Commit", f"{text_of(event.revision[:12])} {text_of(event.subject, 200)}".strip()),
        ("By", text_of(event.by, 100)),
    ]
    yield from (f"- {name}: {value}" for name, value in facts if value)


def _moves(event: Event) -> Iterator[str]:
    yield from ("| Service | Before | After |", "|---|---|---|")
    for service, before, after in moved(event):
        yield f"| {text_of(service, 100)} | {text_of(before, 100)} | {text_of(after, 100)} |"
    if more := left_out(event):
        yield f"\n{more}"


def _target(address: str) -> str:
    return address.replace("(", "%28").replace(")", "%29").replace(" ", "%20").replace("<", "%3C")
