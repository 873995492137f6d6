"""One module a concern; each has check functions that take a Tree and yield Violations."""
