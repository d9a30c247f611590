"""The local stack: real servers and every process of the platform, in one data folder, on this machine alone."""
