"""Events of a collection, and who listens to them."""
