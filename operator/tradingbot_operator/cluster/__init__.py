"""The only folder that talks to Kubernetes and to bots. Library errors are translated here."""
