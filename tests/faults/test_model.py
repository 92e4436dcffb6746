"""What Compose accepts and no engine can run, found before anything is touched: Y-12 to Y-14."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.world import World


def checked(world: World, services: dict[str, Any], code: int, **top: Any) -> str:
    """What `reconcile check` says of a Compose file."""
    world.write("docker-compose.yml", json.dumps({"services": services, **top}))
    world.commit()
    result = world.reconcile("check").expect(code)
    return " ".join(result.said.split())


def web(**more: Any) -> dict[str, Any]:
    return {"image": "web", **more}


PORTS = "services 'one' and 'two' both publish host port"


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        ({"ports": ["8080:80"]}, {"ports": ["8080:81"]}, f"{PORTS} *:8080/tcp"),
        ({"ports": ["127.0.0.1:8080:80"]}, {"ports": ["8080:81"]}, f"{PORTS} 127.0.0.1:8080/tcp"),
        ({"ports": ["8080-8082:80-82"]}, {"ports": ["8081:81"]}, f"{PORTS} *:8081/tcp"),
        ({"container_name": "it"}, {"container_name": "it"}, "container name"),
    ],
)
def test_y_12_two_services_want_the_same(
    world: World, one: dict[str, Any], two: dict[str, Any], said: str
) -> None:
    assert said in checked(world, {"one": web(**one), "two": web(**two)}, 65).replace(
        "container_name", "container name"
    )


def test_y_12_what_only_looks_like_the_same(world: World) -> None:
    """Another protocol, another address, another network; a shared alias is how two services share a name."""
    services = {
        "one": web(ports=["8080:80", "127.0.0.1:9090:90"], networks={"a": {"aliases": ["app"]}}),
        "two": web(ports=["8080:80/udp", "127.0.0.2:9090:90"], networks={"a": {"aliases": ["app"]}}),
    }
    checked(world, services, 0, networks={"a": {}})


def test_y_13_line_ends_and_equals_signs_are_ordinary_values(world: World) -> None:
    services = {
        "one": web(environment={"A": "two\nlines", "B": "a=b=c", "C": "", "D": "-----BEGIN KEY-----"})
    }
    checked(world, services, 0)


@pytest.mark.parametrize("written", ['{A: "a\\0b"}', '["=x"]', '{"a=b": c}'])
def test_y_13_variables_that_no_process_can_be_given(world: World, written: str) -> None:
    world.write("docker-compose.yml", f"services: {{one: {{image: web, environment: {written}}}}}")
    world.commit()
    said = " ".join(world.reconcile("check").expect(65).said.split())
    assert "that no process can be given" in said


@pytest.mark.parametrize(
    "services",
    [
        {"one": web(depends_on=["two"]), "two": web(depends_on=["one"])},
        {"one": web(depends_on=["one"])},
        {"one": web(network_mode="service:two"), "two": web(network_mode="service:one")},
        {"one": web(depends_on=["nobody"])},
        {"one": web(network_mode="service:nobody")},
    ],
    ids=["cycle", "itself", "joins", "dangling", "joins-nobody"],
)
def test_y_14_services_that_wait_for_each_other_or_for_nobody(world: World, services: dict[str, Any]) -> None:
    said = checked(world, services, 65)
    assert "one" in said
    assert world.containers() == []
