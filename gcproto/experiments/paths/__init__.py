"""The path lab: one evacuation path at a time, on the running kernel."""
