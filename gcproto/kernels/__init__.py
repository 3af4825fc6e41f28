"""Other kernels, booted in a virtual machine: where to get them, how to boot them, what to run in them."""
