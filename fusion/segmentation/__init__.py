"""Outlines drawn by a network: U-Net and V-Net, their training, and how well they agree."""
