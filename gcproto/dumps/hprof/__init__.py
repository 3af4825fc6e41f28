"""HPROF: the binary heap dumps of HotSpot and ART."""
