"""Images on the host: which are missing, and which have arrived as the ones that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.sdk import Client
from reconciler.domain.image import ImageRef
from reconciler.errors import EngineUnreachable


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


def tags(connection: Connection, repository: str) -> dict[str, str]:
    """The tags of a repository's images on the host: tag → image id."""
    name = familiar(repository)
    with connection.asked(f"list the tags of {repository}") as client:
        return {
            tag: image["Id"]
            for image in client.images(name)
            for known, tag in _tagged(image["RepoTags"] or ())
            if known == name
        }


def untag(connection: Connection, repository: str, tag: str) -> None:
    """Take a name from an image; fine where it is gone already.

    The image goes with its last tag, and so does the digest that it has in the same repository. Where a
    container still uses such an image, *the name stays*: the engine would give it up by force only, and by
    force it deletes the image under a stopped container.
    """
    name = f"{repository}:{tag}"
    try:
        with connection.asked(f"take the name {name} from its image") as client:
            _remove_name(client, name)
    except EngineUnreachable:
        if tag in tags(connection, repository):
            raise


def _remove_name(client: Client, name: str) -> None:
    from docker.errors import APIError

    try:
        client.remove_image(name, noprune=True)
    except APIError as error:
        # 409 says that it is used: it kept its name, or lost that and is what others were built from.
        if error.status_code not in (404, 409):
            raise


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
