"""State and rules of the widgets, free of any toolkit: tested without a browser."""
