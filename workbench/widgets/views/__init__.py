"""What a person sees and touches: Panel with Bokeh, matplotlib, typed fields; no own state."""
