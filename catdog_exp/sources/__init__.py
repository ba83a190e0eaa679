"""Where labelled pictures come from: folders, archives, downloads, drawings."""
