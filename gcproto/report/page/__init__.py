"""The page: one complete HTML file, for readers who start from the pictures."""
