"""Image references: what is one, what is said of what is not, and back to the same text."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.causes import names
from reconciler.domain.image import ImageRef

D = f"sha256:{'ab' * 32}"
E = f"sha256:{'cd' * 32}"


@pytest.mark.parametrize(
    ("text", "parsed", "host"),
    [
        ("web", ImageRef("web"), ""),
        ("web:1.2", ImageRef("web", "1.2"), ""),
        (f"web@{D}", ImageRef("web", "", D), ""),
        (f"web:1.2@{D}", ImageRef("web", "1.2", D), ""),
        ("library/web:1", ImageRef("library/web", "1"), ""),
        ("ghcr.io/kompass/backend:1.8.2", ImageRef("ghcr.io/kompass/backend", "1.8.2"), "ghcr.io"),
        ("localhost/web", ImageRef("localhost/web"), "localhost"),
        ("127.0.0.1:5000/web:1", ImageRef("127.0.0.1:5000/web", "1"), "127.0.0.1:5000"),
        ("host:5000/a/b/c:tag_-.1", ImageRef("host:5000/a/b/c", "tag_-.1"), "host:5000"),
        ("Registry.Example/web", ImageRef("Registry.Example/web"), "Registry.Example"),
        ("a__b/c-d.e:V1", ImageRef("a__b/c-d.e", "V1"), ""),
        ("web:" + "t" * 128, ImageRef("web", "t" * 128), ""),
    ],
)
def test_a_reference(text: str, parsed: ImageRef, host: str) -> None:
    image = ImageRef.parse(text)
    assert (image, image.host, str(image)) == (parsed, host, text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("${REGISTRY}/web:1", "no variables"),
        ("web:$TAG", "no variables"),
        ("Web:1", "lower case"),
        ("ghcr.io/Kompass/Backend:1", "lower case"),
        ("web@sha256:abc", "64 lower-case hexadecimal digits"),
        (f"web@{D.upper()}", "64 lower-case hexadecimal digits"),
        (f"web@sha512:{'ab' * 64}", "64 lower-case hexadecimal digits"),
        (f"web@{D}@{D}", "64 lower-case hexadecimal digits"),
        ("web:", "expected repository:tag"),
        (":1", "expected repository:tag"),
        ("web:" + "t" * 129, "expected repository:tag"),
        ("web:1 ", "expected repository:tag"),
        ("web:1\n", "expected repository:tag"),
        ("-web", "expected repository:tag"),
        ("--privileged", "expected repository:tag"),
        ("web//api", "expected repository:tag"),
        ("https://ghcr.io/web", "expected repository:tag"),
        ("wéb", "expected repository:tag"),
        ("web:1:2", "expected repository:tag"),
    ],
)
def test_not_a_reference(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        ImageRef.parse(text)


_part = st.from_regex(r"[a-z0-9]+(?:[._-][a-z0-9]+)?", fullmatch=True).filter(lambda text: len(text) < 20)
_host = st.sampled_from(["", "ghcr.io/", "localhost/", "127.0.0.1:5000/", "R.example:443/"])
_tag = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
_digest = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
_images = st.builds(
    lambda host, path, tag, digest: ImageRef(host + "/".join(path), tag, digest),
    _host,
    st.lists(_part, min_size=1, max_size=3),
    st.just("") | _tag,
    st.just("") | _digest,
)


@settings(max_examples=200, deadline=None)
@given(_images)
def test_printed_and_read_again_it_is_the_same(image: ImageRef) -> None:
    assert ImageRef.parse(str(image)) == image


def _read(text: str) -> ImageRef | None:
    try:
        return ImageRef.parse(text)
    except ValueError:
        return None


@settings(max_examples=300, deadline=None)
@given(st.text("aA0.:/@_-$ \n" + "sha256:", max_size=40))
def test_what_is_read_prints_the_same(text: str) -> None:
    image = _read(text)
    assert image is None or str(image) == text


def test_the_digest_is_what_is_pulled() -> None:
    assert ImageRef.parse(f"ghcr.io/web:1@{D}").by_digest == f"ghcr.io/web@{D}"
    assert str(ImageRef("web", "1").with_digest(D)) == f"web:1@{D}"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (f"web:1@{D}", f"web:2@{E}", ("1", "2")),
        ("web:1", "web:2", ("1", "2")),
        ("web", "web:2", ("latest", "2")),
        (f"web:1@{D}", f"web:1@{E}", ("1 (abababababab)", "1 (cdcdcdcdcdcd)")),
        (f"web@{D}", f"web@{E}", ("abababababab", "cdcdcdcdcdcd")),
        ("web:1", f"web:1@{E}", ("web:1", f"web:1@{E}")),
        ("web:1", "api:1", ("web:1", "api:1")),
        (D, "web:1", (D, "web:1")),
    ],
)
def test_two_images_are_as_short_as_they_can_be_told_apart(
    before: str, after: str, shown: tuple[str, str]
) -> None:
    assert names(before, after) == shown
