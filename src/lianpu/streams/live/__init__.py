"""What goes on while it goes on: live search, frames that clients push, and the streams' events as they come."""
