"""The emulated fleet: Raspberry-Pi-class devices in containers, deployed by the real playbook.

Run by `make fleet`. Needs root (or a Docker engine that answers) and what `image.py` installs.
"""
