"""The page: one HTML file with everything in it, for people who look at a picture first."""
