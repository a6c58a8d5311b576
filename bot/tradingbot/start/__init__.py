"""From what a pod mounts to a trader that runs: environment, settings, secrets, files, ports, and how it ends."""
