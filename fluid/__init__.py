"""Fluid: the contract that agents, clients and the trainer share."""
