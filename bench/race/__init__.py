"""The race of the gateways: what runs, what is asked, who drives, and how the figures are read."""
