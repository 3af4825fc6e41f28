"""Evacuation policies compared, on heaps that stand still while they are collected."""
