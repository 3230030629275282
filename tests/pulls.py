"""Pulls over many seeds: (found - true) / error, and how large chance lets their moments be.

`make test` runs few seeds, with bounds as wide as chance has them; the long lane 100 or more, with
those of the rule. `pytest -m long -k seeds --log-cli-level=INFO` prints the table of them all.
"""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats

from workbench.binning import Parameter

LOG = logging.getLogger(__name__)  # shown by --log-cli-level=INFO
CHANCE = 1e-4  # that honest errors fail, for each bound of each parameter
MEAN, LOWEST, HIGHEST = 0.3, 0.8, 1.25  # what errors that are called honest must keep
MANY = 100  # seeds, that tell 0.8 and 1.25 from 1
SEEDS = pytest.mark.parametrize("seeds", [16, pytest.param(200, marks=pytest.mark.long)])


def pulls_of(found: Mapping[str, Parameter], truth: Mapping[str, float]) -> list[float]:
    """Return (found - true) / error of each parameter that the truth names."""
    return [(found[name].value - true) / found[name].error for name, true in truth.items()]


def assert_by_chance(pulls: ArrayLike) -> None:
    """Few seeds: moments as far from 0 and 1 as chance has them for that many, and no farther.

    The mean of n honest pulls is normal with 1 / sqrt(n), (n - 1) times their variance chi2 of
    n - 1 degrees of freedom.
    """
    values = np.asarray(pulls, np.float64)
    number = len(values)
    mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    low, high = np.sqrt(stats.chi2.ppf([CHANCE, 1 - CHANCE], number - 1) / (number - 1))
    most = stats.norm.isf(CHANCE / 2) / np.sqrt(number)
    said = f"{number} seeds: mean {mean}, at most {most:.2f}; std {spread}, {low:.2f} to {high:.2f}"
    assert (np.abs(mean) <= most).all(), said
    assert ((spread >= low) & (spread <= high)).all(), said


def assert_honest(pulls: ArrayLike, names: Sequence[str]) -> None:
    """Many seeds: means within 0.3 of 0 and standard deviations from 0.8 to 1.25."""
    values = np.asarray(pulls, np.float64)
    assert len(values) >= MANY, "too few seeds to tell 0.8 from 1 and 0.3 from 0"
    assert values.shape[1] == len(names)
    mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    lines = [f"{n} {m:+.2f} {s:.2f}" for n, m, s in zip(names, mean, spread, strict=True)]
    LOG.info("%d seeds, mean and std of the pulls: %s", len(values), "; ".join(lines))
    assert (np.abs(mean) <= MEAN).all(), lines
    assert ((spread >= LOWEST) & (spread <= HIGHEST)).all(), lines


def assert_as_stated(pulls: ArrayLike, names: Sequence[str]) -> None:
    """Judge few seeds by chance, and a hundred or more by the rule."""
    if len(np.asarray(pulls)) < MANY:
        assert_by_chance(pulls)
    else:
        assert_honest(pulls, names)
