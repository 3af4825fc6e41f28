"""What runs inside a fault handler or a pause, compiled by numba: nothing here allocates or raises."""
