"""Rows of XCS's templates."""

from tests.templates.matrix import Place, Row, both_generations
from workbench.batch import BatchItem
from workbench.synthetic.scenes import LiquidScattering

AXIS = 20.0  # deg


def _both_parts_are_seen(item: BatchItem, place: Place) -> None:
    del place
    assert item.results["fit_state"]["value"] == "converged"
    assert {"tau_aniso", "anisotropy", "axis"} <= set(item.results)


ROWS = {
    "xcs/liquid_scattering": Row(
        faults=("swapped-flags", "shot-lag"),
        places=both_generations("xcs"),
        scene=LiquidScattering(anisotropy=0.02, axis=AXIS, azimuths=12),
        made={"jungfrau_every": 1},
        given={"axis": AXIS},
        check=_both_parts_are_seen,
    ),
}
