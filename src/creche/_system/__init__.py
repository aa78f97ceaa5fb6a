"""Files and the machine: archives, atomic writes, strict JSON, cores and memory."""
