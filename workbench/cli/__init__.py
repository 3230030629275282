"""The `workbench` command: parse, call, print; no science."""

from workbench.cli.app import main

__all__ = ["main"]
