"""Push: what becomes of jobs, told to those who listen by WebSocket or Server-Sent Events."""
