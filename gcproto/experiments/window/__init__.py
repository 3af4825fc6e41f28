"""The window after the flip by itself: ways of evacuating beside mutators compared."""
