"""One schema and one store for all producers, statistics and comparison."""
