"""Capacity: what this machine does with the owner's own packs and settings, measured when somebody asks."""
