"""Security checklist: rows 1 (processes), 4 (paths), 5 (powers), 9 (endpoints), 16 (blast radius)."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.compose import ComposeCli
from reconciler.adapters.compose.executable import Executable
from reconciler.adapters.state_files import YamlStateFiles
from reconciler.app.desired import DesiredState
from reconciler.domain.desired import Service
from reconciler.domain.environment import Environment
from reconciler.domain.powers import refused_powers
from reconciler.errors import InvalidSettings, InvalidState
from tests.bed.engine_proxy import EngineProxy
from tests.bed.fake_engine import FakeWorld
from tests.bed.git_world import GitWorld
from tests.contract.test_lost_answers import ENDPOINTS, ENDPOINTS_OF_COMMANDS
from tests.e2e.world import World

ROOT = Path(__file__).parents[2]
CASES = int(os.environ.get("RECONCILE_FUZZ_CASES", "400"))

# --- Row 1: who starts processes ------------------------------------------------------------------

STARTERS = {
    "adapters/git/process.py": "git",
    "adapters/compose/executable.py": "Compose",
    "adapters/docker_host/ssh.py": "ssh to a remote engine",
    "adapters/registry/logins.py": "the docker command's credential helpers",
    "adapters/hooks/process.py": "commands of reconcile.yaml, where the host allows them, and Compose",
    "adapters/notify/command.py": "a command that people are told through",
}
OTHER_STARTERS = re.compile(
    r"os\.(system|popen|exec\w*|spawn\w*|posix_spawn\w*|fork\w*)|pty\.\w+|asyncio\.\w*subprocess\w*"
)


def sources() -> Iterator[tuple[str, ast.AST]]:
    for file in sorted((ROOT / "reconciler").rglob("*.py")):
        yield file.relative_to(ROOT / "reconciler").as_posix(), ast.parse(file.read_text())


def test_row_1_few_modules_start_processes_and_none_through_a_shell() -> None:
    users = set()
    for name, tree in sources():
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    users |= {name for one in names if one.name.partition(".")[0] in ("subprocess", "pty")}
                case ast.ImportFrom(module="subprocess" | "pty" | "multiprocessing"):
                    users.add(f"{name}: from {node.module}")
                case ast.ImportFrom(module="os", names=names):
                    assert not any(OTHER_STARTERS.fullmatch(f"os.{one.name}") for one in names), name
                case ast.Attribute():
                    assert not OTHER_STARTERS.fullmatch(ast.unparse(node)), f"{name}: {ast.unparse(node)}"
                case ast.keyword(arg="shell"):
                    pytest.fail(f"{name} mentions a shell")
                case ast.Call(func=ast.Attribute(value=ast.Name(id="subprocess")), args=[command, *_]):
                    assert not isinstance(command, ast.Constant | ast.JoinedStr), name
                case _:
                    pass
    assert users == set(STARTERS)


# --- Row 4: paths ---------------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        *("..", ".", "", "a", "link", "a/in", "c.yml", "~", "$HOME", "-x", "é", " ", "a\\b", "\0", "..."),
        "/etc/passwd",
    ]
)
paths = st.lists(pieces, min_size=1, max_size=5).map("/".join) | st.text(max_size=12)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project directory, with links that lead out of it."""
    root = tmp_path_factory.mktemp("paths")
    for folder in ("project/a", "outside"):
        (root / folder).mkdir(parents=True)
        (root / folder / "c.yml").write_text("services: {}\n")
    (root / "project/link").symlink_to(root / "outside")
    (root / "project/a/in").symlink_to(root / "project/a")
    (root / "project/...").symlink_to("../outside/c.yml")
    (root / "project/c.yml").symlink_to("a/c.yml")
    return root / "project"


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(paths)
def test_row_4_no_compose_file_lies_outside_of_the_project_directory(project: Path, path: str) -> None:
    """Also where the schema would have let it through."""
    compose = ComposeCli(Executable(("false",)), {}, project)
    try:
        (found,) = compose.files(Environment("a", pins="p", project="p", directory=".", compose=(path,)))
    except (InvalidState, ValueError):  # ValueError: a NUL, which the schema refuses
        return
    assert found.resolve().is_relative_to(project)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(paths, paths)
def test_row_4_accepted_paths_of_settings_do_not_climb(pins: str, compose: str) -> None:
    one = {"project": "p", "pins": pins, "compose": [compose]}
    try:
        (environment,) = YamlStateFiles().settings(
            json.dumps({"version": 1, "environments": {"a": one}}), "r"
        )
    except InvalidSettings:
        return
    for path in (environment.pins, *environment.compose):
        assert not PurePosixPath(path).is_absolute()
        assert ".." not in PurePosixPath(path).parts


@pytest.mark.parametrize(
    "reference",
    [
        "services: {web: {image: web, env_file: [{path: /etc/hostname}]}}",
        "services: {web: {image: web, env_file: ../../../../../../etc/hostname}}",
        "services: {web: {extends: {file: /etc/hostname, service: web}}}",
        "include: [/etc/hostname]\nservices: {web: {image: web}}",
        "services: {web: {image: web, env_file: link.env}}",
    ],
)
def test_row_4_compose_files_refer_to_nothing_elsewhere(world: World, reference: str) -> None:
    (world.app / "link.env").symlink_to("/etc/hostname")
    world.stack(reference, web="web:1")
    result = world.reconcile("check").expect(65)
    assert "outside of the project directory" in " ".join(result.said.split())


# --- Row 5: powers --------------------------------------------------------------------------------

POWERS: dict[str, tuple[dict[str, Any], str]] = {
    "privileged": ({"privileged": True}, "privileged"),
    "network": ({"network_mode": "host"}, "host-network"),
    "pid": ({"pid": "host"}, "host-pid"),
    "ipc": ({"ipc": "host"}, "host-ipc"),
    "uts": ({"uts": "host"}, "host-names"),
    "users": ({"userns_mode": "host"}, "host-users"),
    "cgroup": ({"cgroup": "host"}, "host-cgroup"),
    "rules": ({"device_cgroup_rules": ["c 1:3 mr"]}, "device-rules"),
    "capability": ({"cap_add": ["SYS_ADMIN"]}, "capability:SYS_ADMIN"),
    "prefixed": ({"cap_add": ["cap_net_admin"]}, "capability:NET_ADMIN"),
    "device": ({"devices": ["/dev/kmsg:/dev/kmsg"]}, "device:/dev/kmsg"),
    "apparmor": ({"security_opt": ["apparmor:unconfined"]}, "unconfined"),
    "seccomp": ({"security_opt": ["seccomp=unconfined"]}, "unconfined"),
    "profile": ({"security_opt": ["seccomp=profile.json"]}, "seccomp-profile"),
    "label": ({"security_opt": ["label:disable"]}, "unconfined"),
    "systempaths": ({"security_opt": ["systempaths=unconfined"]}, "unconfined"),
    "root": ({"volumes": ["/:/host:ro"]}, "host-folder:/"),
    "etc": ({"volumes": ["/etc/cron.d:/cron"]}, "host-folder:/etc/cron.d"),
    "shadow": ({"volumes": ["/etc/shadow:/shadow:ro"]}, "host-folder:/etc/shadow"),
    "dotted": ({"volumes": ["/opt/../etc:/etc2"]}, "host-folder:/etc"),
    "link": ({"volumes": ["./link:/etc2"]}, "host-folder:/etc"),
    "socket": ({"volumes": ["/var/run/docker.sock:/docker.sock"]}, "docker-socket"),
    "run": ({"volumes": ["/run:/host-run:ro"]}, "host-folder:/run"),
    "named": ({"volumes": ["bound:/data"]}, "host-folder:/root"),
    "secret": ({"secrets": ["shadow"]}, "host-folder:/etc/shadow"),
    "config": ({"configs": ["hosts"]}, "host-folder:/etc/hosts"),
    "joined-network": ({"network_mode": "container:other"}, "container:other"),
    "joined-pid": ({"pid": "container:other"}, "container:other"),
    "joined-volumes": ({"volumes_from": ["container:other:ro"]}, "container:other"),
}
ORDINARY: dict[str, dict[str, Any]] = {
    "plain": {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"], "read_only": True},
    "mounts": {"volumes": ["./data:/data", "named:/named", "/etc/localtime:/etc/localtime:ro"]},
    "hidden": {"secrets": ["own"], "tmpfs": ["/tmp"], "devices": []},
}
TOP = {
    "volumes": {
        "named": {},
        "bound": {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": "/root"}},
    },
    "secrets": {"shadow": {"file": "/etc/shadow"}, "own": {"file": "./own.txt"}},
    "configs": {"hosts": {"file": "/etc/hosts"}},
}


def test_row_5_every_power_is_refused_until_this_host_allows_exactly_it(world: World) -> None:
    services = {name: {"image": "web", **more} for name, (more, _) in POWERS.items()}
    services |= {name: {"image": "web", **more} for name, more in ORDINARY.items()}
    (world.app / "link").symlink_to("/etc")
    world.write("own.txt", "own\n")
    world.write("docker-compose.yml", json.dumps({"services": services, **TOP}))
    world.commit()
    refused = world.reconcile("check").expect(77)
    said = " ".join(refused.said.split())
    asked = {f"production/{name}:{power}" for name, (_, power) in POWERS.items()}
    allowance = re.search(r"RECONCILE_ALLOW=(\S+)", said)
    assert allowance
    assert set(allowance[1].split(",")) == asked
    world.reconcile("check", environ={"RECONCILE_ALLOW": allowance[1]}).expect(0)
    lacking = ",".join(sorted(asked - {"production/privileged:privileged"}))
    result = world.reconcile("check", environ={"RECONCILE_ALLOW": lacking}).expect(77)
    assert "RECONCILE_ALLOW=production/privileged:privileged" in " ".join(result.said.split())


@pytest.mark.parametrize("name", POWERS)
def test_row_5_an_allowance_lifts_one_power_of_one_service_in_one_environment(name: str) -> None:
    powers = {other: power for other, (_, power) in POWERS.items()}
    services = [Service(other, "web", "", powers=(power,)) for other, power in powers.items()]
    allowed = [f"production/{name}:{powers[name]}"]
    left = refused_powers("production", services, allowed)
    assert set(powers.items()) - set(left) == {(name, powers[name])}
    assert len(refused_powers("staging", services, allowed)) == len(services)


# --- Row 9: endpoints of the engine ---------------------------------------------------------------


def documented(heading: str) -> set[str]:
    """The endpoints that docs/security.md lists under a heading."""
    text = (ROOT / "docs/security.md").read_text().split(f"### {heading}\n", 1)[1]
    return set(re.findall(r"`((?:GET|HEAD|POST|DELETE) /[^`]*)`", text.split("\n#", 1)[0]))


def endpoint(request: str) -> str:
    """A request without ids and names."""
    request = re.sub(r"/(containers|networks|volumes)/(?!json$|create$|prune$)[^/]+", r"/\1/{}", request)
    return re.sub(r"/images/(?!json$|create$).+?(/json|/tag|$)", r"/images/{}\1", request)


def test_row_9_the_documented_endpoints_are_those_that_are_tested() -> None:
    assert documented("Asked by reconcile") == ENDPOINTS
    assert documented("Asked for checks of the kind exec") == ENDPOINTS_OF_COMMANDS


def test_row_9_a_whole_cycle_asks_for_nothing_else(world: World, tmp_path: Path) -> None:
    """First deploy, release, rejected release, drift, removal and every command that looks."""
    with EngineProxy(tmp_path / "engine.sock", Path(world.host.removeprefix("unix://"))) as proxy:
        world.settings |= {"engine": {"host": proxy.host}, "prune": True}
        stack = (
            "services: {web: {image: web, volumes: ['data:/data'], networks: [a, b]}, old: {image: web}}\n"
        )
        top = "networks: {a: {}, b: {}}\nvolumes: {data: {}}\n"
        world.stack(stack + top, web="web:1", old="web:1")
        world.once().expect(0)
        del world.pins["old"]
        world.write("docker-compose.yml", stack.replace(", old: {image: web}", "") + top)
        world.release(web="web:2")
        world.once().expect(0)
        world.release(web="web:crash")
        world.once().expect(10)
        world.revert()
        world.docker("kill", world.container("web").name)
        world.once().expect(0)
        for command in (["plan"], ["status"], ["verify"], ["doctor"]):
            world.reconcile(*command).expect(0)
        asked = {endpoint(request) for request in proxy.requests}
    allowed = documented("Asked by reconcile") | documented("Asked by Docker Compose")
    assert asked <= allowed, asked - allowed
    assert "POST /containers/{}/stop" in asked, "the proxy was not used"
    never = r"exec|build|commit|plugins|secrets|prune|DELETE /(?!containers|images|volumes)"
    assert not [one for one in allowed if re.search(never, one)]


# --- Row 16: how far a bad commit reaches ---------------------------------------------------------

SETTINGS = {
    "version": 1,
    "environments": {
        name: {"project": name, "directory": f"../{name}", "compose": ["c.yml"]}
        for name in ("production", "staging")
    },
}
image = st.builds(
    "r.test/{}:{}@sha256:{}".format,
    st.sampled_from(["web", "worker"]),
    st.sampled_from(["1", "2"]),
    st.sampled_from("0123456789abcdef").map(lambda digit: digit * 64),
)
staged = st.dictionaries(st.sampled_from(["web", "worker", "other"]), image).map(
    lambda pins: json.dumps({"services": {name: {"image": text} for name, text in pins.items()}})
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[GitWorld, Path]:
    """A repository with two environments."""
    git = GitWorld.new(tmp_path_factory.mktemp("two"))
    clone = git.init("repository")
    pins = "services:\n" + "".join(
        f"  {name}:\n    image: r.test/{name}:1@sha256:{'1' * 64}\n" for name in ("web", "worker")
    )
    files = {"state/reconcile.yaml": json.dumps(SETTINGS)}
    files |= {f"state/{name}/compose.pins.yaml": pins for name in ("production", "staging")}
    git.commit(clone, files, "Begin")
    return git, clone


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(staged | st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=40))
def test_row_16_a_commit_to_staging_never_changes_production(
    shared: tuple[GitWorld, Path], text: str
) -> None:
    git, clone = shared
    model = FakeWorld([Service(name, name, f"hash of {name}") for name in ("web", "worker")])

    def production() -> object:
        state = DesiredState(git.open(clone), YamlStateFiles(), model, "state")
        (environment,) = [one for one in state.environments() if one.name == "production"]
        return environment, state.read(environment).desired.services

    before = production()
    git.git(clone, "commit", "--quiet", "--allow-empty", "-m", "Same")
    (clone / "state/staging/compose.pins.yaml").write_text(text, newline="")
    git.git(clone, "commit", "--all", "--quiet", "--allow-empty", "-m", "Release to staging")
    assert production() == before


def test_row_9_commands_are_run_for_checks_alone() -> None:
    """And in one place: a proxy that refuses them must not stop anything else."""
    users = {
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("exec_create", "exec_start", "exec_run")
    }
    assert users == {"adapters/docker_host/inside.py"}


def test_row_16_nothing_here_can_remove_a_volume_or_prune() -> None:
    """But for those that hold a pause, which are ours by name and label.

    The one flag that can is for volumes of containers that never ran; names of images go without force.
    """
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert not re.search(r"^(prune_|remove_network)", node.attr), name
                assert node.attr != "remove_volume" or name == "adapters/docker_host/pause.py"
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "remove_image":
                assert name == "adapters/docker_host/images.py"
                assert {keyword.arg for keyword in node.keywords} == {"noprune"}
            if isinstance(node, ast.keyword) and node.arg == "fresh_volumes" and name.startswith("app/"):
                assert ast.unparse(node.value) in ("True", "instance.state is State.CREATED"), name
                assert name in ("app/prepare.py", "app/recover.py", "app/successors.py"), (
                    f"{name} removes volumes"
                )
