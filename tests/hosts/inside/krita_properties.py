"""What results of Krita have of their layers and documents; see krita_scenes.py.

Runs in Krita's own Python.
"""

from krita_stage import application, dock, history, photo, restored, slow, until


def properties():
    """A layer that multiplies, is clipped and has a color: what its result has."""
    document = yield from photo()
    layer = document.nodeByName("photo")
    layer.setOpacity(200)
    layer.setBlendingMode("multiply")
    layer.setInheritAlpha(True)
    layer.setColorLabel(3)
    layer.setAlphaLocked(True)
    yield 0.3
    before = history()
    with slow():
        yield from restored()
    told = [
        [one.opacity(), one.blendingMode(), one.inheritAlpha(), one.colorLabel(), one.alphaLocked()]
        for one in (layer, document.nodeByName("Deblurred (Echo)"))
    ]
    return {"before": told[0], "after": told[1], "undo": [before, history()]}


STYLE = """<!DOCTYPE asl>
<asl>
 <node type="Descriptor" classId="null" name="">
  <node key="Scl " type="UnitFloat" unit="#Prc" value="100"/>
  <node key="masterFXSwitch" type="Boolean" value="1"/>
  <node key="SoFi" type="Descriptor" classId="SoFi" name="">
   <node key="enab" type="Boolean" value="1"/>
   <node key="Md  " type="Enum" typeId="BlnM" value="Nrml"/>
   <node key="Opct" type="UnitFloat" unit="#Prc" value="50"/>
   <node key="Clr " type="Descriptor" classId="RGBC" name="">
    <node key="Rd  " type="Double" value="255"/>
    <node key="Grn " type="Double" value="0"/>
    <node key="Bl  " type="Double" value="0"/>
   </node>
  </node>
 </node>
</asl>
"""  # a red overlay, as Photoshop's files have it


def styled():
    """A layer with a style."""
    document = yield from photo()
    layer = document.nodeByName("photo")
    told = {}
    layer.setLayerStyleFromAsl(STYLE)
    document.refreshProjection()
    yield 0.3
    with slow():
        yield from restored()
    new = document.nodeByName("Deblurred (Echo)")
    told["styles"] = [one.layerStyleToAsl() for one in (layer, new)]
    return told


def copied():
    """A copy of a document, whose layers have the ids of the original's."""
    original = yield from photo()
    application.action("create_copy").trigger()
    yield from until(lambda: application.activeDocument() != original, 30)
    yield 0.5
    copy = application.activeDocument()
    same = copy.nodeByName("photo").uniqueId() == original.nodeByName("photo").uniqueId()
    copy.setActiveNode(copy.nodeByName("photo"))
    yield 0.3
    with slow():
        yield from restored()
    told = [[node.name() for node in one.rootNode().childNodes()] for one in (original, copy)]
    shown = [result.name for result in dock().history.results]
    application.activeWindow().activate()
    return {"same": same, "layers": told, "shown": shown}


PROPERTIES = [properties, styled, copied]
