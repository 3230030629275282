import numpy as np
import pytest

from workbench.core.errors import UnknownNameError
from workbench.core.findings import Finding, Severity, has_errors, worst_first
from workbench.core.registry import Registry
from workbench.core.stack import Stack


def test_findings_come_worst_first_then_by_count() -> None:
    info = Finding("a", Severity.INFO, "one", count=100)
    small = Finding("b", Severity.ERROR, "two", count=1)
    large = Finding("c", Severity.ERROR, "three", count=9, file="x.py", line=3, field="epix")
    assert worst_first([info, small, large]) == [large, small, info]
    assert has_errors([info, small])
    assert not has_errors([info])
    assert str(large) == "error: x.py:3: epix: three [c]"
    assert large.as_dict()["severity"] == "error"


def test_stack_knows_its_fields() -> None:
    stack = Stack(
        np.array([1, 2], np.uint64), {"tt.raw.ampl": np.zeros(2)}, {"tt": np.ones(2, bool)}
    )
    assert len(stack) == 2
    assert "tt.raw.ampl" in stack
    with pytest.raises(UnknownNameError, match=r"did you mean tt\.raw\.ampl"):
        stack["tt.raw.amp"]


def test_registry_suggests() -> None:
    things: Registry[type] = Registry("reduction")

    @things.register("roi")
    class Roi:
        pass

    assert things["roi"] is Roi
    assert list(things) == ["roi"]
    with pytest.raises(UnknownNameError, match="did you mean roi"):
        things["ROI_"]
