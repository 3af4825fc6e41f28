"""Jobs: where they run (processes here, or a Dask cluster), and what becomes of those whose worker dies or stalls."""
