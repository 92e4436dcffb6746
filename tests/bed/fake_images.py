"""The images of the fake world: `local` as they were pulled, `image_tags` by the names given since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.domain.image import ImageRef
from reconciler.errors import PullFailed
from tests.bed.fake_container import image_id

if TYPE_CHECKING:
    from tests.bed.fake_engine import FakeWorld


def digest_of(world: FakeWorld, image: str, repository: str) -> str:
    """The digest of a local image of this repository."""
    found = (name.partition("@") for name in sorted(world.local) if image_id(name) == image)
    return next((digest for name, _, digest in found if name == repository), "")


def pull(world: FakeWorld, image: ImageRef) -> None:
    """Copy a reference from `registry` to `local`."""
    if world.registry is not None and image.by_digest not in world.registry:
        raise PullFailed(f"could not pull {image}: the registry has no such image")
    world.local.add(image.by_digest)


def tag(world: FakeWorld, image: str, repository: str, name: str) -> None:
    """Give an image (an id, or `repository@digest`) a name."""
    world.image_tags[f"{repository}:{name}"] = image


def tags(world: FakeWorld, repository: str) -> dict[str, str]:
    """Tag → id of the images of a repository."""
    return {tag: image for (name, tag), image in _names(world).items() if name == repository}


def untag(world: FakeWorld, repository: str, tag: str) -> None:
    """Take a name from an image.

    It goes with its last tag, and so does its digest in the same repository; but the last name of an image
    that a container uses stays.
    """
    name = (repository, tag)
    image = _names(world).get(name)
    if image is None:
        return
    others = {other for other, id_ in _names(world).items() if id_ == image and other != name}
    digests = {local for local in world.local if "@" in local and image_id(local) == image}
    last = not others and all(local.startswith(f"{repository}@") for local in digests)
    if last and any(image_id(container.image) == image for container in world.containers.values()):
        return
    world.image_tags.pop(f"{repository}:{tag}", None)
    world.local -= {repository, f"{repository}:{tag}"}
    if last:
        world.local -= digests


def _names(world: FakeWorld) -> dict[tuple[str, str], str]:
    """The tags of all images, as (repository, tag) → id."""
    names: dict[tuple[str, str], str] = {}
    for local in world.local:
        if "@" not in local:
            names[_split(local)] = image_id(local)
    for name, image in world.image_tags.items():
        names[_split(name)] = image if image.startswith("sha256:") else image_id(image)
    return names


def _split(name: str) -> tuple[str, str]:
    image = ImageRef.parse(name)
    return image.repository, image.tag or "latest"
