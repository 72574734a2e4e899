"""The side of the `kubeportal` command that talks to a portal; it loads nothing of the server."""
