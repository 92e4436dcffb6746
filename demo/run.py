"""The main job from end to end, told as a story. Every command and every answer is real: see README.md."""

from __future__ import annotations

import json
import signal
import sys

import data
from customer import Seen, customer
from teller import Teller
from watching import PINS, V1, V2, watch_mode
from world import World, world

GATE_SECONDS = 60
SETTINGS = """\
version: 1
environments:
  production:
    project: {project}
    directory: ..
    compose: [docker-compose.yml]
    gate:
      timeout: {timeout}s
      soak: 500ms
      checks:
        backend: {{http: {{url: "http://127.0.0.1:{port}/cgi-bin/hello"}}}}
    rollback: {{git: push, author: "reconcile <reconcile@example.org>"}}
"""


def set_up(teller: Teller) -> None:
    """From a Compose file to a repository that says what should run."""
    teller.chapter(
        "A Git repository says what should run",
        "A small shop: a frontend and a backend in a docker-compose.yml, in a clone of ../shop.git. `init` "
        "writes a state folder; a health check goes into it, and what to do in Git when it fails.",
    )
    made = teller.world
    teller.run(f"reconcile init production -f docker-compose.yml --project {made.project}")
    settings = SETTINGS.format(project=made.project, port=made.backend_port, timeout=GATE_SECONDS)
    (made.repository / "state/reconcile.yaml").write_text(settings)
    teller.run("tail -n 2 state/reconcile.yaml")
    teller.run("git add . && git commit --quiet -m 'A shop' && git push --quiet -u origin main")


def release(teller: Teller, version: int, pins: str, command: str, code: int = 0) -> Seen:
    """Pin a version and push it, then make it run while a customer keeps asking."""
    teller.run(f"reconcile pin production {pins} --push")
    with customer(teller.world.page) as seen:
        seconds = teller.run(command, code=code)
    teller.measured(f"pass that {'rejects' if code else 'releases'} version {version}", f"{seconds:.2f} s")
    if code:
        teller.promise(seconds < GATE_SECONDS, "a bad answer is a verdict before the gate's timeout")
    return seen


def good_releases(teller: Teller) -> str:
    """Version 1 on an empty host, then version 2 under load; returns version 2's commit."""
    teller.chapter(
        "Release version 1",
        "A release is a commit: `pin` asks the registry for the digest and changes one line per service.",
    )
    images = " ".join(f"{name}={teller.world.registry}/{name}:1" for name in ("backend", "frontend"))
    release(teller, 1, images, "reconcile -q --once | tail -n 1")
    teller.page(V1)
    teller.chapter("Release version 2, while a customer keeps asking for the page")
    seen = release(teller, 2, "backend=:2 frontend=:2", "reconcile -q --once")
    teller.page(V2)
    first = seen.first(V2)
    teller.promise(first is not None, "the customer sees version 2")
    teller.traffic(seen)
    teller.measured("  from the start of the pass to version 2's first answer", f"{first or 0:.2f} s")
    return teller.tip(teller.world.repository)


def broken_release(teller: Teller, version_2: str) -> None:
    """Version 3 answers 500: host and Git go back by themselves."""
    teller.chapter(
        "Release version 3, which is broken",
        "Its backend answers every request with 500. Three such answers are enough, whatever is left of the "
        f"gate's {GATE_SECONDS} s. Version 2 comes back, on the host and in Git; exit code 10 says so to "
        "whoever called.",
    )
    seen = release(teller, 3, "backend=:3", "reconcile --once", code=10)
    teller.page(V2)
    back = seen.recovered()
    teller.promise(back is not None, "version 2 answers again by the end of the pass")
    teller.promise(seen.words() == {V2}, "the customer sees nothing but version 2, or no good answer")
    teller.traffic(seen)
    teller.measured("  from the start of the pass to version 2's answer again", f"{back or 0:.2f} s")
    teller.say("The remote has a revert that nobody typed; the clone follows. Then there is nothing to do.")
    teller.run("git --git-dir=../shop.git log -3 --format='%h %<(9)%an %s'", says=("reconcile Revert",))
    reverted = expect_undone(teller, version_2)
    running = teller.world.containers()
    seconds = teller.run("reconcile --once", says=("No changes.",))
    teller.promise(teller.world.containers() == running, "the second pass leaves every container as it is")
    teller.measured("pass with nothing to do", f"{seconds:.2f} s")
    teller.promise(teller.tip(teller.world.remote) == reverted, "the second pass makes no commit")


def expect_undone(teller: Teller, version_2: str) -> str:
    """The remote's last commit pins what version 2's did, and the clone has it; returns its id."""
    made = teller.world
    there = made.quietly("git", "-C", made.remote, "show", f"main:{PINS}")
    good = made.quietly("git", "-C", made.repository, "show", f"{version_2}:{PINS}")
    teller.promise(there == good, "the remote pins version 2 again")
    tip = teller.tip(made.remote)
    teller.promise(tip == teller.tip(made.repository), "the clone has the remote's last commit")
    return tip


def blocked(teller: Teller) -> None:
    """The same digest once more: nothing is tried, and the pass says why."""
    teller.chapter(
        "Pin the same broken image once more",
        "It failed here, so it is not tried again until the pin or the service changes, or a person says "
        "`unblock`. With --strict the exit code tells, too. Taking the pin back is a commit, as ever.",
    )
    teller.run("reconcile pin production backend=:3 --push")
    pinned = teller.tip(teller.world.remote)
    running = teller.world.containers()
    teller.run("reconcile --strict --once", code=12, says=("blocked", "3 was rejected here in run"))
    teller.promise(teller.world.containers() == running, "a blocked pin leaves every container as it is")
    teller.promise(teller.tip(teller.world.remote) == pinned, "a pin that was not tried is not reverted")
    teller.run("git revert --no-edit HEAD >/dev/null && git push --quiet")


def looking_back(teller: Teller, run: str) -> None:
    """What is known of the rejected release afterwards."""
    teller.chapter(
        "What happened?",
        "The journal keeps each pass. Left out here: its steps and samples, the container's last lines and "
        "configuration, and the tables of `explain`.",
    )
    reason = "check backend: 500 Internal Server Error"
    teller.run(f"reconcile history show {run} | sed '/^$/,$d'", says=(reason, "rolled-back"))
    teller.run("reconcile explain production | tail -n 3", says=("What would have changed it:",))
    teller.run("reconcile history --rollbacks -o markdown", says=(f"| {reason} | reconcile |",))


def roll_back(teller: Teller, version_2: str) -> None:
    """Back to version 1, with nothing but Git."""
    teller.chapter("Roll back to version 1: revert the commit that pinned version 2")
    teller.run(f"git revert --no-edit {version_2} >/dev/null && git push --quiet")
    with customer(teller.world.page) as seen:
        seconds = teller.run("reconcile -q --once | tail -n 1")
    teller.page(V1)
    teller.measured("pass that rolls back to version 1", f"{seconds:.2f} s")
    teller.traffic(seen)


def rejected_run(made: World) -> str:
    """The id of the pass that rejected a release, as a program would look it up."""
    said = json.loads(made.quietly("reconcile", "-C", made.repository / "state", "-o", "json", "history"))
    rows = said["environments"][0]["releases"]
    return next((str(row["run"]) for row in rows if row["result"] == "rolled-back"), "none")


def tell(teller: Teller) -> None:
    """The whole story, and the table of times."""
    set_up(teller)
    version_2 = good_releases(teller)
    broken_release(teller, version_2)
    blocked(teller)
    looking_back(teller, rejected_run(teller.world))
    roll_back(teller, version_2)
    watch_mode(teller)
    teller.chapter("What was measured")
    for name, value in teller.rows:
        print(f"{name:<56} {value}")
    if teller.broken:
        print(f"\n{len(teller.broken)} promises were broken:", *teller.broken, sep="\n  ")
    else:
        print("\nEvery promise was kept. Registry, images, containers and repositories are removed again.")


def main() -> int:
    """Exit code 0 when every promise was kept; the world is removed in any case."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print("reconcile: Git says what should run, Docker says what runs, and each pass compares the two.")
    try:
        if sys.argv[1:] == ["data"]:
            return 0 if data.run() else 1
        print("Preparing a registry, six small images and two repositories …", flush=True)
        with world() as made:
            teller = Teller(made)
            tell(teller)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is cleaning up
            return 1 if teller.broken else 0
    except KeyboardInterrupt:
        print("\nInterrupted; everything is removed again.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
