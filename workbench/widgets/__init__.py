"""Interactive work on detector pictures and on runs that are taken: models, and views over them."""

from workbench.widgets.views.choice import region_editor
from workbench.widgets.views.live import live_view
from workbench.widgets.views.slider import percentiles, slider

__all__ = ["live_view", "percentiles", "region_editor", "slider"]
