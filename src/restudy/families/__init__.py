"""Families of networks: what can be trained, each a plug-in that states its facts once."""
