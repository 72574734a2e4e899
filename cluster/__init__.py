"""Kubernetes: connection, facts, service-account tokens, provisioning, kubeconfig."""
