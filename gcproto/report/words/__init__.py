"""What results say, in words: claims, verdicts and findings that the terminal and the page share."""
