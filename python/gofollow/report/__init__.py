"""Writes a report of captures: one HTML page that needs no network (write_report)."""

from ._page import write_report

__all__ = ["write_report"]
