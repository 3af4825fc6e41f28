"""Tables and words from results; reads results and nothing else."""
