"""Tests of the project itself: rooms, packages, documents."""
