"""What tests are made with: results, heaps, kernels, processes."""
