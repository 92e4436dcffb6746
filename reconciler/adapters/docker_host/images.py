"""Images on the host: which are missing, and which have arrived as the ones that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.adapters.docker_host.connection import Connection
from reconciler.domain.image import ImageRef


def missing(connection: Connection, images: Sequence[ImageRef]) -> tuple[ImageRef, ...]:
    """Those that are not on the host under their digest, in the given order.

    One without a digest is looked for under its tag.
    """
    if not images:
        return ()
    with connection.asked("list the images on the host") as client:
        listed = client.images()
    present = _present(digest for image in listed for digest in image.get("RepoDigests") or ())
    present |= _tagged(tag for image in listed for tag in image.get("RepoTags") or ())
    return tuple(image for image in images if (familiar(image.repository), _wanted(image)) not in present)


def image_id(connection: Connection, image: ImageRef) -> str:
    """The id of the image that the host knows under this digest; empty where it knows none."""
    from docker.errors import NotFound

    with connection.asked(f"look for image {image.by_digest}") as client:
        try:
            found: str = client.inspect_image(image.by_digest)["Id"]
        except NotFound:
            return ""
    return found


def digest_of(connection: Connection, image: str, repository: str) -> str:
    """The digest under which the host got an image from ``repository``; empty where it did not."""
    from docker.errors import NotFound

    with connection.asked(f"look for image {image}") as client:
        try:
            digests = client.inspect_image(image).get("RepoDigests") or ()
        except NotFound:
            return ""
    known = sorted(digest for name, digest in _present(digests) if name == familiar(repository))
    return known[0] if known else ""


def arrived(connection: Connection, image: ImageRef) -> bool:
    """Whether the host has this very digest under this repository."""
    from docker.errors import NotFound

    with connection.asked(f"look for image {image.by_digest}") as client:
        try:
            digests = client.inspect_image(image.by_digest).get("RepoDigests") or ()
        except NotFound:
            return False
    return (familiar(image.repository), image.digest) in _present(digests)


def familiar(repository: str) -> str:
    """The engine's own short form of a repository: Docker Hub's host and its ``library/`` are left out.

    https://github.com/distribution/reference/blob/v0.6.0/normalize.go#L123
    """
    for host in ("docker.io/", "index.docker.io/"):
        if repository.startswith(host):
            repository = repository.removeprefix(host)
            break
    rest = repository.removeprefix("library/")
    return rest if "/" not in rest else repository


def _present(repo_digests: Iterable[str]) -> set[tuple[str, str]]:
    split = (text.rpartition("@") for text in repo_digests)
    return {(familiar(repository), digest) for repository, _, digest in split}


def _tagged(repo_tags: Iterable[str]) -> set[tuple[str, str]]:
    split = (text.rpartition(":") for text in repo_tags)
    return {(familiar(repository), tag) for repository, _, tag in split}


def _wanted(image: ImageRef) -> str:
    """What an image must be known by: its digest, else its tag."""
    return image.digest or image.tag or "latest"
