"""The containers: an image from scratch, the hardened set, and one container for each defect."""
