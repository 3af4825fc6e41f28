"""What is known of kernels, as data: bugs, and how versions compare."""
