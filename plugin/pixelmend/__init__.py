"""What GIMP and Krita load as it is: client of the engine, panel, shared contract."""

__version__ = "0.1.0"
