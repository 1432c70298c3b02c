"""The reminder worker: fixed jobs at fixed intervals, nothing about anybody in a job store."""
