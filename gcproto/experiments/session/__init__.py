"""One run of a workload on a heap in a process of its own: mutators, the collector, what they did."""
