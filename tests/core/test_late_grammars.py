"""Grammars of web addresses are not compiled for notebooks, but are there when they are used."""

import subprocess
import sys

import pytest

LINES = """
import sys
import workbench.batch.report
assert "lark" not in sys.modules
import jsonschema, rfc3987_syntax
checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
address = jsonschema.Draft202012Validator({"format": "iri"}, format_checker=checker)
print(rfc3987_syntax.is_valid_syntax_iri("no address"), hasattr(rfc3987_syntax, "nothing"))
assert "lark" in sys.modules
print(address.is_valid("https://example.org/\\u00e4"), address.is_valid("no address"))
from rfc3987_syntax.syntax_helpers import is_valid_syntax
assert rfc3987_syntax.is_valid_syntax is is_valid_syntax
"""


def test_grammars_are_compiled_when_an_address_is_checked() -> None:
    pytest.importorskip("rfc3987_syntax")
    done = subprocess.run(
        [sys.executable, "-c", LINES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "False", "True", "False"]
