"""Words, tables, pictures and pages of results; reads results and nothing else."""
