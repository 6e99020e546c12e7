"""The front end: the command line, and later what GIMP and Krita load."""

__version__ = "0.1.0"
