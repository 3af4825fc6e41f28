"""The benchmarks themselves: what they read, and that they compare what is alike."""
