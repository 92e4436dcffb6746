"""What the engine's JSON becomes, without an engine: odd entries, newer engines, the body of a successor."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adapters.docker_host.images import familiar
from reconciler.adapters.docker_host.observe import instance, policy_of, policy_text, taken_ports, vitals
from reconciler.adapters.docker_host.successor import creation
from reconciler.domain.observed import Health, State

ID, OLD_ID, NEW_ID = "1" * 64, "2" * 64, "3" * 64
VOLUME, FRESH = "a" * 64, "b" * 64


def entry(**changed: Any) -> dict[str, Any]:
    """One entry of the engine's list."""
    return {
        "Id": ID,
        "Names": ["/p-web-1"],
        "Image": "web:1",
        "ImageID": "sha256:1",
        "Labels": {"com.docker.compose.service": "web", "com.docker.compose.container-number": "1"},
        "State": "running",
        "Status": "Up 5 minutes",
        "HostConfig": {"NetworkMode": "p_default"},
        "Ports": [],
        **changed,
    }


@pytest.mark.parametrize(
    ("status", "health", "exit_code"),
    [
        ("Up 5 minutes", Health.NONE, 0),
        ("Up Less than a second (health: starting)", Health.STARTING, 0),
        ("Up 5 minutes (healthy)", Health.HEALTHY, 0),
        ("Up 2 weeks (unhealthy)", Health.UNHEALTHY, 0),
        ("Up 5 minutes (Paused)", Health.NONE, 0),
        ("Exited (0) 5 minutes ago", Health.NONE, 0),
        ("Exited (137) 5 minutes ago", Health.NONE, 137),
        ("Exited (-1) 5 minutes ago", Health.NONE, -1),
        ("Restarting (3) 1 second ago", Health.NONE, 3),
        ("Created", Health.NONE, 0),
        ("Removal In Progress", Health.NONE, 0),
        ("Dead", Health.NONE, 0),
        ("", Health.NONE, 0),
    ],
)
def test_the_text_for_people_is_read(status: str, health: Health, exit_code: int) -> None:
    found = instance(entry(Status=status))
    assert (found.health, found.exit_code) == (health, exit_code)


def test_every_state_of_the_engine_is_known() -> None:
    for state in State:
        assert instance(entry(State=str(state))).state is state


def test_links_of_others_are_no_names() -> None:
    assert instance(entry(Names=["/other/alias", "/p-web-1"])).name == "p-web-1"
    assert instance(entry(Names=None)).name == ""


def test_joined_networks_are_seen() -> None:
    assert instance(entry(HostConfig={"NetworkMode": f"container:{OLD_ID}"})).network_of == OLD_ID
    assert instance(entry(HostConfig={})).network_of == ""


def test_only_published_ports_are_taken() -> None:
    ports = [
        {"PrivatePort": 9000, "Type": "tcp"},
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
    ]
    assert taken_ports([entry(Ports=ports)]) == {
        "0.0.0.0:8080/tcp": (ID, "p-web-1"),
        ":::53/udp": (ID, "p-web-1"),
    }


@pytest.mark.parametrize("policy", ["no", "always", "unless-stopped", "on-failure:3", "on-failure:0"])
def test_policies_there_and_back(policy: str) -> None:
    assert policy_text(policy_of(policy)) == policy


def test_no_policy_is_the_policy_no() -> None:
    assert policy_text({}) == policy_text({"Name": ""}) == "no"


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("web", "web"),
        ("library/web", "web"),
        ("docker.io/library/web", "web"),
        ("docker.io/ada/web", "ada/web"),
        ("index.docker.io/web", "web"),
        ("ghcr.io/library/web", "ghcr.io/library/web"),
        ("library/ada/web", "library/ada/web"),
    ],
)
def test_the_engine_shortens_names(written: str, short: str) -> None:
    assert familiar(written) == short


# --- successors -----------------------------------------------------------------------------------


def container(
    number: str, *, id_: str = ID, host: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """The engine's answer to an inspection."""
    return {
        "Id": id_,
        "Name": f"/p-web-{number}",
        "Config": {
            "Hostname": id_[:12],
            "Image": "web:1",
            "Entrypoint": None,
            "Cmd": ["serve"],
            "ExposedPorts": {"80/tcp": {}},
            "Labels": {
                "com.docker.compose.config-hash": "old",
                "com.docker.compose.container-number": number,
                "com.docker.compose.project.config_files": "/a/c.yaml,/tmp/x/t.reconcile.yaml,/a/pins.yaml",
                "reconcile.template": "1",
            },
            **more.pop("config", {}),
        },
        "HostConfig": {"NetworkMode": "one", **(host or {})},
        "NetworkSettings": {
            "Networks": more.pop("networks", {"one": {"Aliases": [f"p-web-{number}", "web"]}})
        },
        "Mounts": more.pop("mounts", []),
    }


def created(
    template: dict[str, Any], api: str = "1.41", **shares: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body of the request and the endpoints that come later."""
    mounts = [{"Type": "volume", "Name": VOLUME, "Destination": "/data", "RW": True}]
    old = container("1", id_=OLD_ID, mounts=mounts)
    made = creation(template, old, "p-web-1", "new", shares, api)
    return dict(made.body), dict(made.later)


def test_labels_are_those_of_the_predecessor() -> None:
    body, _ = created(container("2"))
    assert body["Labels"] == {
        "com.docker.compose.config-hash": "new",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.project.config_files": "/a/c.yaml,/a/pins.yaml",
    }


TWO = {
    "one": {
        "Aliases": ["p-web-2", "web", "111111111111"],
        "IPAMConfig": {"IPv4Address": "10.0.0.7"},
        "EndpointID": "",
    },
    "two": {"Aliases": ["web", "p-web-2"], "DriverOpts": {"a": "b"}, "MacAddress": "02:42:ac:11:65:43"},
}


def test_an_old_engine_takes_one_endpoint_at_a_time() -> None:
    body, later = created(container("2", networks=TWO), "1.43")
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "one": {"Aliases": ["p-web-1", "web"], "IPAMConfig": {"IPv4Address": "10.0.0.7"}}
    }
    assert later == {
        "two": {"Aliases": ["p-web-1", "web"], "DriverOpts": {"a": "b"}, "MacAddress": "02:42:ac:11:65:43"}
    }


@pytest.mark.parametrize("api", ["1.44", "1.52", "2.0"])
def test_a_newer_engine_takes_all_endpoints_at_once(api: str) -> None:
    body, later = created(container("2", networks=TWO), api)
    assert set(body["NetworkingConfig"]["EndpointsConfig"]) == {"one", "two"}
    assert later == {}


def test_no_alias_where_there_was_none() -> None:
    body, _ = created(container("2", networks={"bridge": {"Aliases": None}}, host={"NetworkMode": "bridge"}))
    assert body["NetworkingConfig"]["EndpointsConfig"] == {"bridge": {}}


def test_the_host_name_is_kept_only_where_it_was_chosen() -> None:
    assert "Hostname" not in created(container("2"))[0]
    assert created(container("2", config={"Hostname": "box"}))[0]["Hostname"] == "box"


@pytest.mark.parametrize(
    "host", [{"NetworkMode": f"container:{OLD_ID}"}, {"NetworkMode": "host", "UTSMode": "host"}]
)
def test_a_shared_host_name_is_not_asked_for(host: dict[str, Any]) -> None:
    body, _ = created(container("2", networks={}, host=host, config={"Hostname": "of-the-other"}))
    assert "Hostname" not in body
    assert ("ExposedPorts" in body) is (host["NetworkMode"] == "host")


@pytest.mark.parametrize(("had", "gets"), [(None, [""]), ([], [""]), (["a"], ["a"])])
def test_no_entrypoint_stays_none(had: list[str] | None, gets: list[str]) -> None:
    assert created(container("2", config={"Entrypoint": had}))[0]["Entrypoint"] == gets


def test_shared_containers_are_replaced_wherever_they_are_named() -> None:
    host = {
        "NetworkMode": f"container:{OLD_ID}",
        "IpcMode": f"container:{OLD_ID}",
        "PidMode": "container:somebody",
        "VolumesFrom": [f"{OLD_ID}:ro", OLD_ID, "somebody:rw"],
    }
    body, _ = created(container("2", networks={}, host=host), **{OLD_ID: NEW_ID})
    made = body["HostConfig"]
    assert made["NetworkMode"] == made["IpcMode"] == f"container:{NEW_ID}"
    assert made["PidMode"] == "container:somebody"
    assert made["VolumesFrom"] == [f"{NEW_ID}:ro", NEW_ID, "somebody:rw"]


def test_only_anonymous_volumes_at_the_same_place_are_carried() -> None:
    mounts = [
        {"Type": "volume", "Name": FRESH, "Destination": "/data", "RW": False},
        {"Type": "volume", "Name": FRESH, "Destination": "/new", "RW": True},
        {"Type": "volume", "Name": "p_named", "Destination": "/named", "RW": True},
        {"Type": "bind", "Source": "/etc", "Destination": "/etc", "RW": True},
    ]
    host = {"Mounts": [{"Type": "volume", "Target": "/data"}, {"Type": "tmpfs", "Target": "/run"}]}
    body, _ = created(container("2", mounts=mounts, host=host))
    assert body["HostConfig"]["Mounts"] == [
        {"Type": "tmpfs", "Target": "/run"},
        {"Type": "volume", "Source": VOLUME, "Target": "/data", "ReadOnly": True},
    ]


def test_a_volume_that_both_share_already_is_left_alone() -> None:
    mounts = [{"Type": "volume", "Name": VOLUME, "Destination": "/data", "RW": True}]
    body, _ = created(container("2", mounts=mounts, host={"VolumesFrom": [OLD_ID]}))
    assert not body["HostConfig"].get("Mounts")


# --- How long a HEALTHCHECK may keep its verdict to itself ------------------------------------------

INSPECTED: dict[str, Any] = {
    "Id": "0a",
    "Name": "/web",
    "State": {
        "Status": "running",
        "ExitCode": 0,
        "StartedAt": "2026-09-30T14:00:00Z",
        "OOMKilled": False,
        "Error": "",
    },
    "RestartCount": 0,
    "Image": "sha256:0a",
    "HostConfig": {},
}


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        (None, 0.0),
        ({"Test": ["NONE"]}, 0.0),
        ({"Test": ["CMD", "ready"]}, 60.0),
        ({"Test": ["CMD", "ready"], "Interval": 10**9, "Timeout": 2 * 10**9}, 3.0),
    ],
)
def test_the_first_answer_of_a_health_check_takes_its_interval(
    check: dict[str, Any] | None, seconds: float
) -> None:
    content = INSPECTED | {"Config": {"Image": "web", "Healthcheck": check}}
    assert vitals(content).first_health_seconds == seconds
