"""Pins files: what is read, what is refused and where, and the change of one scalar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.state_files import YamlStateFiles, unknown_services
from reconciler.domain.desired import Pin
from reconciler.domain.image import ImageRef
from reconciler.errors import InvalidState

FILES = YamlStateFiles()
A, B, C = (f"sha256:{digit * 64}" for digit in "abc")
TWO = f"# head\nservices:\n  backend:\n    image: x/backend:1@{A}\n  web:\n    image: x/web:2@{B}\n"


def refusals(text: str) -> list[str]:
    with pytest.raises(InvalidState) as raised:
        FILES.pins(text, "p.yaml")
    return [f"{finding.line}:{finding.column} {finding.message}" for finding in raised.value.findings]


def test_pins_come_with_the_position_of_the_image() -> None:
    assert FILES.pins(TWO, "p.yaml") == (
        Pin("backend", ImageRef("x/backend", "1", A), 4, 12),
        Pin("web", ImageRef("x/web", "2", B), 6, 12),
    )


@pytest.mark.parametrize(
    "scalar", [f"x:latest@{A}", f"x@{A}", f"'x@{A}'", f'"x:1@{A}"  # why', f"localhost:5000/x:1@{A}"]
)
def test_ways_to_write_an_image(scalar: str) -> None:
    assert FILES.pins(f"services:\n  s:\n    image: {scalar}\n", "p")[0].image.digest == A


def test_an_explicit_nothing_is_no_pins() -> None:
    assert FILES.pins("services: {}\n", "p.yaml") == ()


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("services:\n", ["1:1 'services' is empty"]),
        ("services: ~\n", ["1:1 'services' is empty"]),
        ("- a\n", ["1:1 a pins file is a mapping with the key 'services'"]),
        ("services: [a]\n", ["1:11 'services' is not a mapping of services"]),
        ("service: {}\n", ["1:1 'service' is not a key of a pins file", "1:1 the key 'services' is missing"]),
        (
            f"services: {{s: {{image: x@{A}}}}}\n",
            ["1:11 {…} is not allowed in a pins file", "1:15 {…} is not allowed in a pins file"],
        ),
        (
            "services:\n  s: {image: x:1}\n",
            ["2:6 {…} is not allowed in a pins file", "2:14 the image has no digest"],
        ),
        ("services:\n  s:\n", ["2:3 's' has no 'image'"]),
        ("services:\n  s: x:1\n", ["2:6 's' has no 'image'"]),
        ("services:\n  s:\n    image:\n", ["3:5 the image reference is empty"]),
        ("services:\n  s:\n    image: [x]\n", ["3:12 an image is text"]),
        ("services:\n  s:\n    image: x:1\n", ["3:12 the image has no digest"]),
        (
            "services:\n  s:\n    image: ${X}\n",
            ["3:12 a pin holds no variables: what runs must be readable from Git alone"],
        ),
        (f"services:\n  s:\n    image: x:1@{A}\n    ports: []\n", ["4:5 'ports' is not a key of a pin"]),
        (f"services:\n  'a b':\n    image: x:1@{A}\n", ["2:3 'a b' is not a service name"]),
        (f"services:\n  s:\n    image: >-\n      x:1@{A}\n", ["3:12 the image spans several lines"]),
        (f"services:\n  s:\n    image: 'x:1\n      @{A}'\n", None),
        (
            f"services:\n  ? s\n  : image: x:1@{A}\n",
            ["2:5 's' does not start its line", "3:5 'image' does not start its line"],
        ),
        (
            "services:\n  s:\n    image: " + "a" * 513 + "\n",
            ["3:12 the image reference is longer than 512 characters"],
        ),
    ],
)
def test_what_is_refused_is_located(text: str, refused: list[str] | None) -> None:
    found = refusals(text)
    assert refused is None or found == refused


def test_all_findings_come_at_once_with_hints() -> None:
    text = "name: x\nservices:\n  web:\n    imgae: web:1\n  api:\n    image: api:1\n"
    with pytest.raises(InvalidState) as raised:
        FILES.pins(text, "p.yaml")
    assert [(finding.line, finding.hint) for finding in raised.value.findings] == [
        (1, "a pins file holds images only: write it in a Compose file"),
        (3, ""),
        (4, "did you mean 'image'?"),
        (6, "'reconcile pin ENV api=api:1' finds and writes it"),
    ]
    assert raised.value.findings[2].excerpt == "    imgae: web:1"


def test_unknown_services_are_found_by_their_key() -> None:
    text = TWO.replace("backend:\n", "wroker:\n")
    (finding,) = unknown_services(FILES.pins(text, "p.yaml"), ["worker", "web"], text, "p.yaml")
    assert (
        str(finding) == "p.yaml:3:3: 'wroker' is not a service of the Compose files (did you mean 'worker'?)"
    )


def test_a_pin_is_changed_in_its_place() -> None:
    lines = ["# é", "services:", "", "    web:   # why", f'       image:   "x:1@{A}"   ', "    z:"]
    text = "\r\n".join([*lines, f"       image: z@{B}"])
    expected = text.replace(f"x:1@{A}", f"y:2@{C}")
    assert FILES.with_pin(text, "p", "web", ImageRef("y", "2", C)) == expected


ONE_A = f"services:\n  a:\n    image: a@{A}\n"
NEW_M = f"  m:\n    image: m:1@{C}\n"
ONE_Z = f"  # z is last\n  z:\n    image: z@{A}\n"
WIDE = f"services:\r\n    a:\r\n          image: a@{A} # x"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ONE_A + ONE_Z, ONE_A + NEW_M + ONE_Z),
        ("services:\n" + ONE_Z, "services:\n" + NEW_M + ONE_Z),
        (WIDE, f"{WIDE}\r\n    m:\r\n          image: m:1@{C}"),
        ("services: {} # nothing\n# end\n", f"services: # nothing\n{NEW_M}# end\n"),
        ("services: {}", f"services:\n{NEW_M}".removesuffix("\n")),
        ("---\nservices:\n  # nothing yet\n", f"---\nservices:\n{NEW_M}  # nothing yet\n"),
        ("services: null\n", f"services:\n{NEW_M}"),
    ],
)
def test_a_new_pin_is_inserted_where_services_are_sorted(before: str, after: str) -> None:
    assert FILES.with_pin(before, "p", "m", ImageRef("m", "1", C)) == after


def test_names_that_look_like_something_else_are_quoted() -> None:
    assert '  "on":\n' in FILES.with_pin("services: {}\n", "p", "on", ImageRef("m", "1", C))


def test_a_pin_without_a_digest_can_be_mended() -> None:
    text = "services:\n  a:\n    image: a:1\n  b:\n    image: b:1\n"
    half = FILES.with_pin(text, "p", "a", ImageRef("a", "1", C))
    assert half == text.replace("a:1", f"a:1@{C}")
    assert len(FILES.pins(FILES.with_pin(half, "p", "b", ImageRef("b", "1", C)), "p")) == 2


@pytest.mark.parametrize(
    ("text", "service", "image"),
    [
        ("", "m", ImageRef("m", "1", C)),
        ("services: [", "m", ImageRef("m", "1", C)),
        ("services: {a: {image: x}}\n", "a", ImageRef("m", "1", C)),
        (TWO, "web", ImageRef("m", "1")),
        (TWO, "a b", ImageRef("m", "1", C)),
        (TWO, "a:\n    image: evil\n  b", ImageRef("m", "1", C)),
        (TWO, "", ImageRef("m", "1", C)),
    ],
)
def test_no_edit_makes_an_invalid_file(text: str, service: str, image: ImageRef) -> None:
    with pytest.raises(InvalidState):
        FILES.with_pin(text, "p.yaml", service, image)


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True)
images = st.builds(
    lambda name, tag, digit: ImageRef(name, tag, f"sha256:{digit * 64}"),
    st.sampled_from(["web", "ghcr.io/kompass/backend", "localhost:5000/a-b"]),
    st.sampled_from(["", "1.8.2", "latest"]),
    st.sampled_from("0123456789abcdef"),
)
spaces = st.sampled_from(["", " ", "   "])
remarks = st.sampled_from(["", " # é 😀 'why'", "   "])


@st.composite
def pins_files(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    """A pins file in somebody's own layout, and its services."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    services = tuple(draw(st.lists(names, min_size=1, max_size=6, unique=True)))
    outer, inner = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    lines = ["# head", "", f"services:{draw(remarks)}"]
    for service in services:
        quote = draw(st.sampled_from(["", "'", '"']))
        lines += draw(st.sampled_from([[], [""], ["  # remark"]]))
        lines.append(f"{' ' * outer}'{service}':{draw(remarks)}")
        lines.append(
            f"{' ' * (outer + inner)}image: {draw(spaces)}{quote}{draw(images)}{quote}{draw(remarks)}"
        )
    return end.join(lines) + draw(st.sampled_from(["", end, end * 2])), services


@given(pins_files(), st.data())
def test_one_scalar_changes_and_not_a_byte_more(
    file: tuple[str, tuple[str, ...]], data: st.DataObject
) -> None:
    text, services = file
    service, image = data.draw(st.sampled_from(services)), data.draw(images)
    old = {pin.service: str(pin.image) for pin in FILES.pins(text, "p")}
    changed = FILES.with_pin(text, "p", service, image)
    assert {pin.service: str(pin.image) for pin in FILES.pins(changed, "p")} == {**old, service: str(image)}
    line = next(pin.line for pin in FILES.pins(text, "p") if pin.service == service) - 1
    ours, theirs = changed.splitlines(keepends=True), text.splitlines(keepends=True)
    assert (ours[:line], ours[line + 1 :]) == (theirs[:line], theirs[line + 1 :])
    assert ours[line] == theirs[line].replace(old[service], str(image))


@given(pins_files(), names, images)
def test_a_new_service_leaves_every_line_as_it_was(
    file: tuple[str, tuple[str, ...]], service: str, image: ImageRef
) -> None:
    text, services = file
    if service in services:
        return
    old = {pin.service: str(pin.image) for pin in FILES.pins(text, "p")}
    changed = FILES.with_pin(text, "p", service, image)
    assert {pin.service: str(pin.image) for pin in FILES.pins(changed, "p")} == {**old, service: str(image)}
    ours, theirs = changed.splitlines(), text.splitlines()
    added = next(n for n, line in enumerate(ours) if n >= len(theirs) or line != theirs[n])
    assert len(ours) == len(theirs) + 2
    assert any([*ours[:n], *ours[n + 2 :]] == theirs for n in range(max(0, added - 2), added + 1))
    order = [pin.service for pin in FILES.pins(changed, "p")]
    if list(services) == sorted(services):
        assert order == sorted(order)
