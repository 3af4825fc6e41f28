"""Ways to build to-space pages, those that the collector has and those that lost, to be measured beside each other."""
