"""The sub-commands of ``nas-hpc``, by subject. What they need is imported when they are called."""
