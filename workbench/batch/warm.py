"""What the server has done from which kernels are forked: what nearly every template needs."""

import gc
import os

# Matplotlib reads this when it is imported, and a kernel would set it only afterwards.
os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")

import ipykernel.kernelapp
import lmfit
import xarray

from workbench import binning, plots, recipes, widgets
from workbench.batch import publish
from workbench.plots.style import house_style, panels

BACKEND = os.environ["MPLBACKEND"]

__all__ = [
    "BACKEND",
    "binning",
    "ipykernel",
    "lmfit",
    "plots",
    "publish",
    "recipes",
    "widgets",
    "xarray",
]


def _use_once() -> None:
    """Have loaded what is loaded at the first use: fonts, and the kinds of arrays xarray knows."""
    with house_style():
        picture, (axes,) = panels()
        axes.set(xlabel="x", ylabel="y", title="title", yscale="log")
        axes.plot([1, 2], [1, 10], label="drawn")
        axes.legend()
    picture._repr_png_()
    xarray.Dataset({"value": ("place", [1.0])}, {"place": [0]})


_use_once()
gc.collect()
gc.freeze()  # kernels need not look through all this again for what they may throw away
