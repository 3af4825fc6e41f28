"""The heap's modes beside HotSpot's collectors, on one graph: ``python -m benchmarks.jvm`` (``make compare-jvm``).

Trees.java is the workload ``trees`` as a Java program.  It builds and mutates the same graph with the same random
numbers, and each run's digest must be that of the other runs of its round.

Modules: log (what HotSpot's unified logging says), java (the program in a JVM), ours (the same work in a mode), rounds
(both, interleaved), document (gcproto.jvm/1), figures (what the runs come to), table (for people).
"""
