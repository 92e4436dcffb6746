"""The names of images: given, listed and taken. Asked of the fake and of a real engine alike."""

from __future__ import annotations

from reconciler.domain.image import ImageRef
from tests.contract.bench import Bench, Spec


def pulled(bench: Bench) -> tuple[ImageRef, str]:
    """An image that is known by its digest alone, and its id."""
    image = bench.published()
    bench.engine.pull(image)
    return image, bench.engine.image_id(image)


def repository(bench: Bench, name: str = "web") -> str:
    """A repository that nothing else uses."""
    return f"{bench.project}/{name}"


def test_a_tag_can_be_given_again(bench: Bench) -> None:
    bench.define(Spec())
    image_id = bench.create().image_id
    for _ in range(2):
        bench.engine.tag(image_id, repository(bench), "rollback")
    assert bench.tags() == {f"{repository(bench)}:rollback": image_id}


def test_tags_are_those_of_one_repository(bench: Bench) -> None:
    bench.define(Spec())
    image_id = bench.create().image_id
    image, pulled_id = pulled(bench)
    assert bench.engine.tags(repository(bench)) == {}
    bench.engine.tag(image_id, repository(bench), "rollback")
    bench.engine.tag(image.by_digest, repository(bench), "release-2")
    bench.engine.tag(image_id, repository(bench, "web2"), "rollback")
    bench.engine.tag(image_id, repository(bench, "web/deeper"), "rollback")
    assert bench.engine.tags(repository(bench)) == {"rollback": image_id, "release-2": pulled_id}


def test_the_names_of_a_pulled_image_are_its_digest_alone(bench: Bench) -> None:
    image, _ = pulled(bench)
    assert bench.engine.tags(image.repository) == {}


def test_a_name_of_many_can_be_taken_from_what_is_used(bench: Bench) -> None:
    bench.define(Spec())
    used = bench.create()
    bench.engine.start(used.id)
    bench.engine.tag(used.image_id, repository(bench), "rollback")
    for _ in range(2):
        bench.engine.untag(repository(bench), "rollback")
        assert bench.engine.tags(repository(bench)) == {}
    bench.engine.stop(used.id, 5.0)
    bench.engine.start(used.id)


def test_what_was_never_there_can_be_taken(bench: Bench) -> None:
    bench.engine.untag(repository(bench), "rollback")


def test_an_image_without_names_and_users_goes(bench: Bench) -> None:
    """The digest that it has in the same repository does not hold it."""
    image, image_id = pulled(bench)
    for tag in ("rollback", "release-2"):
        bench.engine.tag(image_id, image.repository, tag)
    bench.engine.untag(image.repository, "rollback")
    assert bench.engine.missing([image]) == ()
    bench.engine.untag(image.repository, "release-2")
    assert bench.engine.missing([image]) == (image,)


def test_the_last_name_of_what_is_used_stays(bench: Bench) -> None:
    """By force it could be taken, and the image would be gone from under the container."""
    image, image_id = pulled(bench)
    bench.define(Spec(image=image.by_digest))
    used = bench.create()
    for tag in ("rollback", "release-2"):
        bench.engine.tag(image_id, image.repository, tag)
    for _ in range(2):
        bench.engine.untag(image.repository, "rollback")
        bench.engine.untag(image.repository, "release-2")
    assert bench.engine.tags(image.repository) == {"release-2": image_id}
    bench.engine.start(used.id)
    bench.engine.stop(used.id, 5.0)
    bench.engine.untag(image.repository, "release-2")
    assert bench.engine.missing([image]) == ()
    bench.engine.remove(used.id)
    bench.engine.untag(image.repository, "release-2")
    assert bench.engine.tags(image.repository) == {}
    assert bench.engine.missing([image]) == (image,)


def test_a_digest_elsewhere_holds_an_image(bench: Bench) -> None:
    image, image_id = pulled(bench)
    bench.engine.tag(image_id, repository(bench), "rollback")
    bench.engine.untag(repository(bench), "rollback")
    assert bench.engine.tags(repository(bench)) == {}
    assert bench.engine.image_id(image) == image_id
