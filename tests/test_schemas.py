"""The JSON Schemas: valid themselves, found in every installation, in agreement with what is read."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.adapters.state_files import YamlStateFiles, schemas
from reconciler.adapters.state_files.nodes import Mapping
from reconciler.adapters.state_files.scalars import document
from reconciler.adapters.state_files.source import Source
from reconciler.adapters.state_files.yaml_text import read
from reconciler.domain.check import Errors, Flow, Http, Latency, Logs, Memory
from reconciler.errors import Failed, Invalid

ROOT = Path(__file__).parents[1]
FILES = YamlStateFiles()
DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize("name", ["reconcile", "pins", "watch"])
def test_schemas_are_valid_and_have_no_real_host(name: str) -> None:
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:")


def _described(schema: object, path: str = "") -> list[str]:
    """The properties that an editor could not explain."""
    if isinstance(schema, list):
        return [gap for n, item in enumerate(schema) for gap in _described(item, f"{path}/{n}")]
    if not isinstance(schema, dict):
        return []
    gaps = [gap for key, value in schema.items() for gap in _described(value, f"{path}/{key}")]
    for key, value in (schema.get("properties") or {}).items():
        if "$ref" not in value and not (value.get("title") and value.get("description")):
            gaps.append(f"{path}/{key}")
    return gaps


@pytest.mark.parametrize("name", ["reconcile", "pins", "watch"])
def test_editors_can_explain_every_key(name: str) -> None:
    assert _described(schemas.load(name)) == []


def test_the_example_is_valid() -> None:
    environments = FILES.settings(
        (ROOT / "state/reconcile.yaml").read_text(encoding="utf-8"), "state/reconcile.yaml"
    )
    assert [environment.name for environment in environments] == ["staging", "production"]
    for environment in environments:
        kinds = {type(check.question) for check in environment.gate.checks}
        assert kinds == {Http, Flow, Latency, Errors, Memory, Logs}
        assert environment.data.couchdb is not None
        assert environment.data.search is not None
        assert environment.data.writers("couchdb") == ("backend",)
        text = (ROOT / "state" / environment.pins).read_text(encoding="utf-8")
        assert [pin.service for pin in FILES.pins(text, environment.pins)] == ["backend", "frontend"]
        assert accepts("pins", text)
        for file in environment.compose:
            assert (ROOT / "state" / environment.directory / file).is_file()


def accepts(name: str, text: str) -> bool:
    """What an editor with the schema says."""
    node, findings = read(Source.of(text, "f"))
    return (
        node is not None
        and not findings
        and Draft202012Validator(schemas.load(name)).is_valid(document(node))
    )


def reads(text: str) -> bool:
    try:
        FILES.pins(text, "p.yaml")
    except Invalid:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "services: {}\n",
        "services:\n",
        "services: []\n",
        "name: a\nservices: {}\n",
        f"services:\n  a:\n    image: x:1@{DIGEST}\n",
        f"services:\n  a:\n    image: X:1@{DIGEST}\n",
        "services:\n  a:\n    image: x:1\n",
        "services:\n  a:\n    image: 1.10\n",
        "services:\n  a:\n    image: ${X}\n",
        "services:\n  a:\n    image:\n",
        "services:\n  a:\n",
        f"services:\n  a:\n    image: x:1@{DIGEST}\n    ports: []\n",
        f"services:\n  a b:\n    image: x:1@{DIGEST}\n",
        f"services:\n  1:\n    image: x:1@{DIGEST}\n",
    ],
)
def test_schema_and_loader_agree_on_pins(text: str) -> None:
    assert accepts("pins", text) == reads(text)


references = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "ghcr.io/", "localhost:5000/", "Host/", "a.b:x/", "/", "//"]),
    st.text("abA_.-/1", max_size=8),
    st.sampled_from(["", ":1", ":latest", ":", ":-a", ":" + "t" * 128, ":" + "t" * 129]),
    st.sampled_from(
        [f"@{DIGEST}", f"@{DIGEST}0", f"@{DIGEST[:-1]}", f"@{DIGEST.upper()}", "@", "", f"@{DIGEST}@{DIGEST}"]
    ),
)


@given(references)
def test_schema_and_loader_agree_on_images(image: str) -> None:
    text = f"services:\n  a:\n    image: '{image}'\n"
    assert accepts("pins", text) == reads(text)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        *((word, bool) for word in ("true", "True", "FALSE")),
        *((word, type(None)) for word in ("null", "~", "")),
        *(
            (word, str)
            for word in ("yes", "on", "no", "2024-01-01", "22:22", "1_0", "'1'", '"true"', "1.2.3", "0b1")
        ),
        *((word, float) for word in ("1.10", "1e3", ".inf", "-.INF", ".nan", "1.", "9" * 5000)),
        *((word, int) for word in ("1", "0123", "0x1F", "0o17", "-5", "9" * 300)),
    ],
)
def test_types_are_those_of_yaml_1_2_as_in_editors(written: str, kind: type) -> None:
    node, _ = read(Source.of(f"a: {written}\n", "f"))
    assert isinstance(node, Mapping)
    assert type(document(node.entries[0][1])) is kind


def test_the_schemas_are_found_beside_the_modules_of_a_wheel(tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(ROOT / "reconciler", site / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from reconciler.adapters.state_files import schemas; print(schemas.folder())"

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=site,
            env={"PYTHONPATH": str(site)},
            text=True,
            capture_output=True,
            check=False,
        )

    assert Failed.__name__ in run().stderr
    shutil.copytree(ROOT / "schemas", site / "reconciler" / "schemas")
    assert run().stdout.strip() == str(site / "reconciler" / "schemas")


def test_jsonschema_is_imported_where_it_is_used() -> None:
    assert importlib.util.find_spec("jsonschema") is not None
    code = "import reconciler.adapters.state_files, sys; sys.exit('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
