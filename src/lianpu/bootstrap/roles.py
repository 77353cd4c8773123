"""What a process of an installation does beside answering its callers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Roles:
    serves: bool
    """It answers requests, and does what belongs to that: push, live search, enhancements, clearing."""
    jobs: bool
    """It runs jobs of every kind that any process can run."""
    streams: bool
    """It runs streams."""


SERVER = Roles(serves=True, jobs=True, streams=True)
"""With `jobs.broker`, a server leaves the jobs to workers."""
