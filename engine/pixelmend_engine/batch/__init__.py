"""A whole archive: a manifest that outlives the run, and workers that restore its pictures."""
