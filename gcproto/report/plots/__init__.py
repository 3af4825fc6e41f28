"""Pictures of results, by matplotlib: drawn once, written as PNG and SVG files or embedded in the page."""
