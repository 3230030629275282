"""The config that a new experiment starts with."""

import re
from pathlib import Path

import pytest

from workbench.core.errors import InputError
from workbench.producer import ProducerConfig
from workbench.producer.starter import config_name, starter_config

CASES = [("xpplx1234", "lcls2"), ("xpplx1234", "lcls1"), ("xcslx1234", "lcls1"),
         ("meclx1234", "lcls1")]  # fmt: skip


def with_examples(text: str) -> str:
    """Take the comment signs away before the examples, and list the detectors that they name."""
    text = re.sub(r"(?m)^    # (?=rois|averages|photons|sums|if run|[ }\]])", "    ", text)
    names = sorted(set(re.findall(r'(?:rois|averages|photons|sums)\["(\w+)"\]', text)))
    return re.sub(r"(?m)^(detectors|detnames) = \[\]", rf"\1 = {names}", text)


@pytest.mark.parametrize(("experiment", "generation"), CASES)
def test_a_new_config_and_its_examples_have_no_findings(
    tmp_path: Path, experiment: str, generation: str
) -> None:
    path = tmp_path / config_name(experiment)
    text = starter_config(experiment, generation)
    path.write_text(text)
    fresh = ProducerConfig.load(path, 1)
    assert (fresh.findings, fresh.skipped, fresh.reductions, fresh.sums) == ((), (), (), ())
    path.write_text(with_examples(text))
    full = ProducerConfig.load(path, 20)
    assert [each for each in full.findings if each.severity != "info"] == []
    assert not full.skipped
    assert len(full.detectors) == 2
    assert len(full.reductions) >= 4
    assert len(full.sums) == 2


def test_a_config_of_an_unknown_generation_is_refused() -> None:
    with pytest.raises(InputError, match="lcls1, lcls2"):
        starter_config("xpplx1234", "lcls3")
