import numpy as np
import pytest

from workbench import plots
from workbench.recipes import PairDistributionError, pair_distribution

R0 = 2.7  # angstrom, the distance of two atoms
Q = np.arange(0.001, 24, 0.002)
R = np.array([0.5, 1.9, 2.6, 2.7, 3.3, 8.0])
PAIR = np.sin(Q * R0) / (Q * R0)  # Debye's equation for one pair


def test_one_pair_of_atoms_gives_the_closed_form() -> None:
    """The integral of sin(q r) sin(q r0) from 0 to Q, but for the little below the first bin."""
    found = pair_distribution(Q, PAIR, np.zeros(len(Q)), R, lorch=False)
    with np.errstate(invalid="ignore"):
        less, more = ((np.sin(Q[-1] * d) / (2 * d)) for d in (R - R0, R + R0))
    less[R == R0] = Q[-1] / 2
    np.testing.assert_allclose(found.value, 2 / np.pi / R0 * (less - more), atol=2e-4)
    assert (found.resolution, found.left_out) == (np.pi / Q[-1], 0)


def test_the_window_and_uneven_bins_follow_the_formula_term_by_term() -> None:
    q = np.array([0.5, 0.7, 1.0, 1.1, 1.5, 1.6])
    curves = np.array([[1.0, 2.0, np.nan, -1.0, 0.5, 0.2], [0.0, 1.0, 1.0, 1.0, 1.0, 3.0]])
    found = pair_distribution(q, curves, np.full(6, 0.1), [1.3])
    kept = [0, 1, 3, 4, 5]  # a bin that one curve lacks counts in none
    for curve, value, error in zip(curves, found.value, found.error, strict=True):
        damped = [np.sin(np.pi * q[k] / 1.6) / (np.pi * q[k] / 1.6) for k in kept]
        terms = [
            2 / np.pi * q[k] * m * np.sin(q[k] * 1.3) for k, m in zip(kept, damped, strict=True)
        ]
        sides = [(0, 1), (0, 3), (1, 4), (3, 5), (4, 5)]
        widths = [(q[b] - q[a]) / 2 for a, b in sides]
        weights = np.array(terms) * widths
        assert value[0] == pytest.approx(sum(weights * curve[kept]), rel=1e-12)
        assert error[0] == pytest.approx(0.1 * np.sqrt(sum(weights**2)), rel=1e-12)
    assert found.left_out == 1


def test_lorchs_window_damps_the_ripples_beside_a_distance() -> None:
    r = np.linspace(0, 8, 400)
    plain, damped = (pair_distribution(Q, PAIR, 0 * Q, r, lorch=way).value for way in (False, True))
    away = abs(r - R0) > 0.6
    assert abs(damped[away]).max() < 0.3 * abs(plain[away]).max()
    assert abs(r[damped.argmax()] - R0) < 0.02


def test_errors_are_those_of_noisy_curves() -> None:
    draw, q = np.random.default_rng(3), np.arange(0.5, 12, 0.05)
    noise = 0.02 + 0.01 * q
    clean = np.sin(q * R0) / (q * R0)
    found = pair_distribution(q, clean + noise * draw.normal(size=(2000, len(q))), noise, R)
    np.testing.assert_allclose(found.value.std(axis=0), found.error[0], rtol=0.06)


@pytest.mark.parametrize(
    ("q", "values", "r", "says"),
    [
        (Q, PAIR, [3000.0], "narrower bins"),
        (Q[:3], PAIR[:3] * np.nan, [1.0], "0 bins of q have a value"),
        (Q[::-1], PAIR, [1.0], "q must rise"),
        (Q, PAIR[:5], [1.0], "must follow it"),
    ],
)
def test_what_tells_no_distances_is_refused(
    q: object, values: object, r: object, says: str
) -> None:
    with pytest.raises(PairDistributionError, match=says):
        pair_distribution(q, values, 0.1, r)  # type: ignore[arg-type]


def test_curves_are_drawn_above_each_other_with_their_names() -> None:
    found = pair_distribution(Q, np.stack([PAIR, 2 * PAIR]), np.full(len(Q), 0.1), R)
    (axes,) = plots.pair_distribution(found, ["before", "after"]).axes
    assert axes.get_xlabel() == "r [Å], 0.13 Å resolved"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["before", "after"]
    assert axes.get_ylabel() == "G(r), each shifted up [1/Å²]"
