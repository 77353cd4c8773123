"""Many photos at once: an upload becomes a plan of items, and a job enrols them one by one."""
