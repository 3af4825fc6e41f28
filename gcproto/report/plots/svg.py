"""Matplotlib's SVG as a part of a page: its own ids, colours as CSS variables, markers with texts."""

import re
from xml.etree import ElementTree

from gcproto.report.plots.look import ROLES, variables

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
COLOUR = re.compile("|".join(variables().values()))
ROLE_OF = {colour: role for role, colour in variables().items()}
assert len(ROLE_OF) == len(ROLES)


def inline(text: str, name: str, hover: dict[str, list[str]]) -> str:
    """An ``<svg>`` element for the page.

    Args:
        text: of a file that matplotlib wrote.
        name: prefix of all ids.
        hover: texts for the markers in the groups of these ids.

    """
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(text)  # noqa: S314  (of our own making, with names escaped by matplotlib)
    for child in list(root):
        if not child.tag.startswith(f"{{{SVG}}}") or child.tag == f"{{{SVG}}}metadata":
            root.remove(child)
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}style", f"{{{SVG}}}metadata"):
                parent.remove(child)  # a style that would apply to the whole page
    for group in root.iter(f"{{{SVG}}}g"):
        texts = hover.get(group.get("id", ""))
        if texts:
            _tell(group, texts)
    for element in root.iter():
        _own_ids(element, name)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("aria-hidden", "true")  # its alternative text is beside it
    root.set("focusable", "false")
    found = ElementTree.tostring(root, encoding="unicode")
    found = COLOUR.sub(lambda match: f"var(--{ROLE_OF[match[0]]})", found)
    return re.sub(r"'DejaVu Sans'[^;\"]*", "var(--font)", found)


def _own_ids(element: ElementTree.Element, name: str) -> None:
    href = element.attrib.pop(XLINK, None)
    if href:
        element.set("href", f"#{name}-{href[1:]}")
    if "id" in element.attrib:
        if re.match(
            r"(figure|axes|patch|line2d|text|xtick|ytick|matplotlib|PathCollection|LineCollection)",
            element.attrib["id"],
        ):
            del element.attrib["id"]
        else:
            element.set("id", f"{name}-{element.attrib['id']}")
    for key in ("clip-path", "style"):
        if "url(#" in element.get(key, ""):
            element.set(key, element.attrib[key].replace("url(#", f"url(#{name}-"))


def _tell(group: ElementTree.Element, texts: list[str]) -> None:
    """Give each marker its text: browsers show it under the pointer."""
    uses = [(parent, child) for parent in group.iter() for child in list(parent) if child.tag == f"{{{SVG}}}use"]
    if len(uses) != len(texts):
        return  # a value outside the axes has no marker; no text is better than a wrong one
    for (parent, use), text in zip(uses, texts, strict=True):
        place = list(parent).index(use)
        parent.remove(use)
        told = ElementTree.Element(f"{{{SVG}}}g")
        ElementTree.SubElement(told, f"{{{SVG}}}title").text = text
        told.append(use)
        parent.insert(place, told)
