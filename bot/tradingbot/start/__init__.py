"""From what a pod mounts to a trader that runs: environment, secrets, files, log, ports, adapters, and how it ends.

``main`` serves and waits; ``assembly`` puts the engine together, and is loaded when the ports already answer. The
settings themselves lie one level up, for they are asked by every part that is configured.
"""
