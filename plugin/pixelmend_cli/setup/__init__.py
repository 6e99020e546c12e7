"""The plug-ins put where editors look for them, and what may be wrong there."""
