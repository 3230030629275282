"""Interactive work on a detector picture: models without a toolkit, and views over them."""
