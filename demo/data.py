"""Releases and their data: a bad release goes back without them, and another one only with them."""

from __future__ import annotations

import json
from typing import Final

from database import DATABASE, PASSWORD, USER, Database, database
from teller import Teller
from watching import V2
from world import HERE, world

ORDERS = 1000
SETTINGS: Final = """\
version: 1
environments:
  production:
    project: {project}
    directory: ..
    compose: [docker-compose.yml]
    gate:
      timeout: 60s
      soak: 500ms
      checks:
        backend: {{http: {{url: "http://127.0.0.1:{port}/cgi-bin/hello"}}}}
    rollback: {{git: push, author: "reconcile <reconcile@example.org>"}}
    services:
      backend: {{uses: [couchdb]}}
    data:
      couchdb:
        url: "{url}"
        databases: [{database}]
        username: "${{COUCHDB_USER}}"
        password: "${{COUCHDB_PASSWORD}}"
"""
MIGRATION: Final = """\
    hooks:
      before-release: [{run: [./migrate]}]
"""


def set_up(teller: Teller, orders: Database) -> None:
    """A shop whose backend keeps its orders in CouchDB."""
    teller.chapter(
        "A shop that keeps its orders in CouchDB",
        f"{ORDERS} orders are there. The backend says that it uses the database; before each release a "
        "backup of it is made and verified. Credentials are in the environment, never in a file.",
    )
    orders.order(0, ORDERS)
    made = teller.world
    teller.run(f"reconcile init production -f docker-compose.yml --project {made.project}")
    write_settings(teller, orders)
    teller.run("tail -n 8 state/reconcile.yaml")
    teller.run("git add . && git commit --quiet -m 'A shop' && git push --quiet -u origin main")


def write_settings(teller: Teller, orders: Database) -> None:
    made = teller.world
    text = SETTINGS.format(project=made.project, port=made.backend_port, url=orders.url, database=DATABASE)
    (made.repository / "state/reconcile.yaml").write_text(text)


def release(teller: Teller) -> None:
    """Version 1, then version 2 with a backup before it."""
    teller.chapter(
        "Release version 1, then version 2: a verified backup comes first",
        "Before version 1 nothing wrote to the database, so there is nothing to go back to.",
    )
    images = " ".join(f"{name}={teller.world.registry}/{name}:1" for name in ("backend", "frontend"))
    teller.run(f"reconcile pin production {images} --push")
    teller.run("reconcile -q --once | tail -n 1", says=("Converged production",))
    teller.run("reconcile pin production backend=:2 frontend=:2 --push")
    teller.run("reconcile --once", says=("Converged production",))
    teller.page(V2)
    teller.run("reconcile backup production --list", says=(f"{DATABASE}_backup_", f"{ORDERS} documents"))


def without_restore(teller: Teller, orders: Database) -> None:
    """A broken release that left the data alone goes back by itself; what was written meanwhile stays."""
    teller.chapter(
        "Version 3 is broken, and has not touched the data",
        "So it is undone without them: what customers ordered in the meantime is kept.",
    )
    orders.order(ORDERS, 20)
    teller.run("reconcile pin production backend=:3 --push")
    teller.run("reconcile -q --once", code=10)
    teller.page(V2)
    teller.promise(orders.count() == ORDERS + 20, "all orders are there, also the 20 new ones")
    teller.say(f"{orders.count()} orders: the 20 that came in after the backup are kept.")


def needs_restore(teller: Teller) -> None:
    """A broken release that changed the data: going back without them would be worse than staying."""
    made = teller.world
    teller.chapter(
        "Version 4 migrates the orders, and is broken",
        "Its commit says so: `data: needs-restore`, and a hook that migrates. The gate rejects it; but "
        "version 2 cannot read what it left, so nothing goes back behind anybody's back: exit code 11, and "
        "the command.",
    )
    settings = made.repository / "state/reconcile.yaml"
    text = settings.read_text().replace("uses: [couchdb]", "uses: [couchdb], data: needs-restore")
    settings.write_text(text + MIGRATION)
    (made.repository / "migrate").write_bytes((HERE / "migrate").read_bytes())
    (made.repository / "migrate").chmod(0o755)
    teller.run("git add . && git commit --quiet -m 'Version 4 migrates the orders' && git push --quiet")
    teller.run("reconcile pin production backend=:4 --push")
    teller.run("reconcile --once", code=11, says=("reconcile restore production couchdb",))


def restore(teller: Teller, orders: Database, before: dict[str, object]) -> None:
    """What a restore would lose is said first; then data and release go back together."""
    teller.chapter(
        "What would a restore lose?", "Customers ordered 7 more things since. They are counted, too."
    )
    orders.order(ORDERS + 20, 7)
    teller.run("reconcile restore production couchdb --plan", says=("300", "40", "7"))
    teller.chapter(
        "Go back, with the data",
        "The present state is backed up first, and what is taken away is exported. Then version 2 runs "
        "again, and Git is told.",
    )
    teller.run("reconcile restore production couchdb --yes", says=("restored", "checks: pass"))
    teller.promise(orders.orders() == before, "every order says what it said before version 4")
    teller.say(f"{orders.count()} orders, each as it was before version 4. What was taken away is exported.")
    teller.page(V2)
    teller.run("git --git-dir=../shop.git log -2 --format='%h %<(9)%an %s'", says=("reconcile Revert",))
    teller.run("reconcile --once", says=("No changes.",))


def tell(teller: Teller, orders: Database) -> None:
    """The whole story."""
    set_up(teller, orders)
    release(teller)
    without_restore(teller, orders)
    before = orders.orders()
    needs_restore(teller)
    restore(teller, orders, before)
    if teller.broken:
        print(f"\n{len(teller.broken)} promises were broken:", *teller.broken, sep="\n  ")
    else:
        print("\nEvery promise was kept. Database, registry, containers and repositories are removed again.")


def run() -> bool:
    """Tell it; whether every promise was kept."""
    print("Preparing a database, a registry, six small images and two repositories …", flush=True)
    with world() as made, database(made.folder) as orders:
        known = {
            "COUCHDB_USER": USER,
            "COUCHDB_PASSWORD": PASSWORD,
            "RECONCILE_ALLOW": "production/hooks:host",  # who may push to Git may not run commands here
        }
        login = {"url": f"{orders.url}/{DATABASE}", "user": USER, "password": PASSWORD}
        (made.folder / "orders.json").write_text(json.dumps(login))
        teller = Teller(made.knowing(known))
        tell(teller, orders)
        return not teller.broken
