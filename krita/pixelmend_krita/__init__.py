"""The *Pixelmend* docker of Krita. `krita` is Krita's own module, and is nowhere else."""

from __future__ import annotations

from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita

from .docker import ID, PixelmendDocker
from .extension import PixelmendExtension

# In Krita 6 the places have a scope of their own.
_places = getattr(DockWidgetFactoryBase, "DockPosition", DockWidgetFactoryBase)
Krita.instance().addExtension(PixelmendExtension(Krita.instance()))
Krita.instance().addDockWidgetFactory(DockWidgetFactory(ID, _places.DockRight, PixelmendDocker))
