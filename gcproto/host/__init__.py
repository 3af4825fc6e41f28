"""What this machine can do; its settings, saved and restored; its environment, captured."""
