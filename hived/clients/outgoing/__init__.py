"""The way out to people and programs: by apprise and by plain HTTP, in a child process that goes nowhere else."""
