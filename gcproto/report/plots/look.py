"""Colours, markers and sizes of all pictures.

A colour is named by its role. In a file, a role is a printed colour. In the page it is a CSS variable, so that one
picture serves light and dark. Colours follow Okabe and Ito: readers with red-green blindness can distinguish them.
Markers and line styles carry the same information.
"""

from dataclasses import dataclass, field

from gcproto.results.schema import (
    ModeOptions,
    PathScenario,
    PolicyScenario,
    Scenario,
    WindowScenario,
    WorkloadScenario,
)

LIGHT = {
    "ink": "#16181d",
    "muted": "#5b6270",
    "grid": "#d9dce2",
    "band": "#e8eaef",
    "paper": "#ffffff",
    "move": "#0067a5",
    "copy": "#d1500a",
    "discard": "#16181d",
    "split": "#00845f",
    "remap": "#a8477f",
    "tao": "#8a6a00",
    "plain": "#7b818c",
    "sky": "#2f8fd0",
    "good": "#0067a5",
    "bad": "#d1500a",
}
DARK = {
    "ink": "#eceef2",
    "muted": "#a6adba",
    "grid": "#363b45",
    "band": "#2a2e37",
    "paper": "#17191e",
    "move": "#5fb4ee",
    "copy": "#ff9256",
    "discard": "#eceef2",
    "split": "#3fd0a4",
    "remap": "#e79cc8",
    "tao": "#dcb847",
    "plain": "#9aa1ad",
    "sky": "#a5d8ff",
    "good": "#5fb4ee",
    "bad": "#ff9256",
}
ROLES = tuple(LIGHT)

Style = tuple[str, str, str]
"""Colour's role, marker and line style."""

ARM_STYLES: dict[str, Style] = {
    "move": ("move", "D", "-"),
    "copy": ("copy", "o", "-"),
    "copy_discard": ("discard", "s", "--"),
    "split_move": ("split", "^", "-"),
    "mremap": ("remap", "v", "-."),
    "tao": ("tao", "P", "-."),
    "memcpy_touched": ("plain", "x", ":"),
    "memcpy_untouched": ("plain", "+", ":"),
    "move_fallback": ("move", "h", "--"),
    "move_holes": ("move", "D", ":"),
    "zeropage": ("sky", "p", "-"),
    "swapin": ("plain", "v", "--"),
    "move_swapin": ("move", "^", "--"),
    "canary": ("plain", "x", ":"),
}
"""Arms of paths."""

MODE_STYLES: dict[str, Style] = {
    "move": ("move", "D", "-"),
    "copy": ("copy", "o", "-"),
    "art": ("sky", "h", "-"),
    "remap": ("remap", "v", "-."),
    "stw": ("plain", "X", "--"),
    "memmove": ("tao", "P", "-."),
    "young-move": ("move", "*", "-."),
    "young-copy": ("copy", "*", "-."),
    "none": ("discard", "_", ":"),
    "bare": ("discard", "|", ":"),
    "thread": ("split", "^", "--"),
}
"""Modes of a heap."""

WAY_STYLES: dict[str, Style] = {
    "move": ("move", "D", "-"),
    "copy": ("copy", "o", "-"),
    "move-copy": ("sky", "h", "-"),
    "move-group": ("split", "^", "-"),
    "move-regions": ("remap", "v", "-."),
    "move-plain": ("plain", "X", "--"),
    "copy-group": ("copy", "s", "--"),
    "copy-no-states": ("tao", "<", "-"),
    "move-no-states": ("discard", ">", "-."),
    "copy-thread": ("copy", "P", ":"),
    "move-thread": ("move", "P", ":"),
}
"""Ways of a window."""

POLICY_STYLES: dict[str, Style] = {
    "move": ("move", "D", "-"),
    "copy": ("copy", "o", "-"),
    "remap": ("remap", "v", "-."),
    "copy-large": ("copy", "s", "--"),
    "split-ahead": ("split", "^", "-"),
    "whole": ("sky", "h", "-"),
    "collapse": ("tao", "P", "-"),
    "populate": ("remap", "<", "--"),
    "auto": ("discard", "X", "-."),
}
"""Evacuation policies."""

OTHERS: tuple[Style, ...] = (("remap", "<", ":"), ("tao", ">", "--"), ("split", "1", "-."), ("plain", "2", "--"))


def style_of(one: Scenario) -> Style:
    """The style of a scenario by its kind and its field, the same in every picture. A mode with options is dotted."""
    match one:
        case PathScenario():
            return ARM_STYLES.get(one.arm) or _other(one.arm)
        case WorkloadScenario() if one.policy not in {"", "move"}:
            return POLICY_STYLES.get(one.policy) or _other(one.policy)
        case WorkloadScenario():
            role, marker, line = MODE_STYLES.get(one.mode) or _other(one.mode)
            return role, marker, ":" if one.options != ModeOptions() else line
        case PolicyScenario():
            return POLICY_STYLES.get(one.policy) or _other(one.policy)
        case WindowScenario():
            return WAY_STYLES.get(one.way) or _other(one.way)


def _other(name: str) -> Style:
    """The style of an arm that has none: always the same."""
    return OTHERS[sum(name.encode("utf-8", "replace")) % len(OTHERS)]


@dataclass
class Look:
    """The look of a picture.

    Attributes:
        colours: by role.
        width, height: CSS pixels, which are points of the picture.
        hover: texts by the id of a group of markers, in the order of its markers.

    """

    colours: dict[str, str]
    width: int
    height: int
    hover: dict[str, list[str]] = field(default_factory=dict)

    @property
    def narrow(self) -> bool:
        """Whether it is drawn for a narrow screen."""
        return self.width < 480

    def colour(self, role: str) -> str:
        """Size in matplotlib's unit."""
        return self.colours[role]

    def tell(self, texts: list[str]) -> str:
        """An id for a group of markers that show these texts when the pointer rests on them."""
        name = f"points-{len(self.hover)}"
        self.hover[name] = texts
        return name


def variables() -> dict[str, str]:
    """A placeholder colour for the CSS variable of each role, see ``svg.inline``."""
    return {role: f"#fe00{number:02x}" for number, role in enumerate(ROLES)}


def settings(look: Look) -> dict[str, object]:
    """The settings of matplotlib while it draws."""
    ink = look.colour("ink")
    return {
        "text.parse_math": False,  # a name with dollar signs is not a formula
        "svg.fonttype": "none",
        "svg.hashsalt": "gcproto",
        "font.family": "DejaVu Sans",
        "font.size": 12,
        "axes.linewidth": 0.8,
        "axes.edgecolor": look.colour("muted"),
        "axes.labelcolor": ink,
        "axes.facecolor": "none",
        "figure.facecolor": look.colour("paper"),
        "text.color": ink,
        "xtick.color": look.colour("muted"),
        "ytick.color": look.colour("muted"),
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
    }


def clean(text: str, longest: int = 60) -> str:
    """A text from a result for a picture: printable, not too long."""
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
