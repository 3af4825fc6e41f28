"""The parts of all tables on the terminal: text that is data, and tables that never cut a figure."""

from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import Part, plain, say, text

__all__ = ["Cell", "Column", "Part", "Table", "plain", "print_table", "say", "text"]
