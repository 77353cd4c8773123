"""What a running platform tells of itself: logs, metrics, traces, and the numbers of its machine."""
