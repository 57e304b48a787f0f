"""A run on this machine: what is asked for, how it is cut, and the threads that drive the devices."""
