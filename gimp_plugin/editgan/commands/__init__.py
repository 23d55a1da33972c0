"""The commands' work, without any window: what scripts and windows share."""
