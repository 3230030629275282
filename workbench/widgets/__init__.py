"""Interactive work on a detector picture: models without a toolkit, and views over them."""

from workbench.widgets.views.choice import region_editor

__all__ = ["region_editor"]
