"""Runs scripts written for cycapture, which was Cython over libpcap and libtins, on today's Python.

As in the original nothing is exported here: import from cycapture.libtins.
"""
