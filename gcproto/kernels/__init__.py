"""Other kernels, booted in a virtual machine: fetching, building, booting and running them."""
