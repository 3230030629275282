"""What the server imports from which kernels are forked: what nearly every template uses."""

import os

# Matplotlib reads this when it is imported, and a kernel would set it only afterwards.
os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")

import ipykernel.kernelapp
import lmfit
import xarray

from workbench import binning, plots, recipes
from workbench.batch import publish

BACKEND = os.environ["MPLBACKEND"]

__all__ = ["BACKEND", "binning", "ipykernel", "lmfit", "plots", "publish", "recipes", "xarray"]
