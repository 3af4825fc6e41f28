"""The one frame that all experiments run in: warm-up, seeded interleave, dying workers, signals, record, summary."""
