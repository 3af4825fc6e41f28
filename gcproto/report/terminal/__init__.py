"""How results are laid out on a terminal: text that is data, tables that never cut a figure."""

from gcproto.report.terminal.draw import print_table
from gcproto.report.terminal.table import Cell, Column, Table
from gcproto.report.terminal.text import Part, plain, say, text

__all__ = ["Cell", "Column", "Part", "Table", "plain", "print_table", "say", "text"]
