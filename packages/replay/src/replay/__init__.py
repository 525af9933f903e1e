"""Requests as they came once, sent again at their times, and what that tells of who answers. It knows no Kubernetes."""
