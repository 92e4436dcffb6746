"""The chapters in which nobody calls a pass: ``reconcile watch`` does it all."""

from __future__ import annotations

from customer import Seen, customer
from daemon import Daemon, watching
from teller import Teller

PINS = "state/production/compose.pins.yaml"
V1, V2 = "frontend 1, backend 1", "frontend 2, backend 2"


def watch_mode(teller: Teller) -> None:
    """The daemon, from its start to its end. Version 1 runs, before and after."""
    teller.chapter(
        "Nobody calls it any more",
        "On a server a daemon makes the same passes: after each commit, when something happens to a "
        "container, and every minute in any case. What it says follows as it comes.",
    )
    teller.show("reconcile watch &")
    with watching(teller.world) as daemon:
        teller.promise(daemon.await_line("no-op"), "the daemon looks, and finds nothing to do")
        there_and_back(teller, daemon)
        removed(teller, daemon)
        broken(teller, daemon)
        ended(teller, daemon)


def there_and_back(teller: Teller, daemon: Daemon) -> None:
    """A release and its rollback are a commit each, and that is all."""
    teller.chapter("Release version 2, and take it back: two commits")
    teller.run("reconcile pin production backend=:2 frontend=:2 --push")
    teller.promise(daemon.await_line("converged"), "the daemon releases what was committed")
    daemon.rest()
    teller.page(V2)
    with customer(teller.world.page) as seen:
        teller.run("git revert --no-edit HEAD >/dev/null")
        teller.promise(daemon.await_line("converged"), "the daemon rolls back what was reverted")
    first = seen.first(V1)
    teller.promise(first is not None, "the customer sees version 1 again")
    daemon.rest()
    teller.run("git push --quiet")
    teller.page(V1)
    teller.measured("watching: from `git revert` to version 1's answer", f"{first or 0:.2f} s")
    teller.traffic(seen)


def removed(teller: Teller, daemon: Daemon) -> None:
    """Somebody takes a container away."""
    teller.chapter("Somebody removes a container")
    name = f"{teller.world.project}-frontend-1"
    with customer(teller.world.page) as seen:
        teller.run(f"docker rm --force {name}")
        teller.promise(daemon.await_line("converged"), "the daemon makes the container again")
    daemon.rest()
    teller.page(V1)
    answered_again(teller, seen, "watching: from `docker rm` to the next good answer")


def broken(teller: Teller, daemon: Daemon) -> None:
    """A broken version is undone on the host and in Git, with nobody at a keyboard."""
    teller.chapter(
        "Somebody pins version 4, which is broken too, and goes home",
        "It answers 500, as version 3 did. Version 1 comes back, on the host and in Git.",
    )
    made = teller.world
    good = made.quietly("git", "-C", made.repository, "show", f"main:{PINS}")
    with customer(made.page) as seen:
        teller.run("reconcile pin production backend=:4 --push")
        teller.promise(daemon.await_line("rolled-back"), "the daemon takes the release back")
    daemon.rest()
    teller.page(V1)
    teller.promise(seen.words() == {V1}, "the customer sees nothing but version 1, or no good answer")
    teller.run("git --git-dir=../shop.git log -2 --format='%h %<(9)%an %s'", says=("reconcile Revert",))
    there = made.quietly("git", "-C", made.remote, "show", f"main:{PINS}")
    teller.promise(there == good, "the remote pins version 1 again")
    teller.promise(teller.tip(made.remote) == teller.tip(made.repository), "the clone follows the remote")
    answered_again(teller, seen, "watching: from pinning version 4 to version 1's answer")


def ended(teller: Teller, daemon: Daemon) -> None:
    """Whatever the daemon has in hand when it is to end, it finishes or undoes."""
    teller.chapter("The daemon ends when it is told to, and leaves everything as it is")
    running = teller.world.containers()
    teller.run(f"kill -TERM {daemon.process.pid}")
    code = daemon.ended()
    teller.show(f"wait {daemon.process.pid}; echo $?")
    print(code, flush=True)
    teller.promise(code == 143, f"SIGTERM ends it with 143 (it was {code})")
    teller.promise(teller.world.containers() == running, "its end leaves every container as it is")
    teller.page(V1)


def answered_again(teller: Teller, seen: Seen, what: str) -> None:
    """How long it took until the customer was served for good."""
    back = seen.recovered()
    teller.promise(back is not None, "the customer is served again")
    teller.measured(what, f"{back or 0:.2f} s")
    teller.traffic(seen)
