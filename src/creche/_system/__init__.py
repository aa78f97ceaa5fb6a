"""What files and machines need: archives, whole writes, strict JSON, cores and memory."""
