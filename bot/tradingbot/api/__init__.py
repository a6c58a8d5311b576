"""What people, probes and Prometheus see of the bot, on two ports; reads through ports of the domain, two commands.

The only folder that knows the web framework and the metrics library.
"""
