"""Where things run: on this machine, or on Proxmox hosts."""
