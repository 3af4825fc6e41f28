"""The path lab's scenarios under pytest-benchmark, for series per kernel and its tools for comparing them."""
