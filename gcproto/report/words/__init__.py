"""Results in words: ratios, verdicts and findings that the terminal and the page share."""
