"""Many networks in pieces: on this machine, in other processes, and on a cluster."""
