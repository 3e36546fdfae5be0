"""Follows capture stores that outgrow one machine, on Apache Spark.

    from gofollow import spark as gofollow_spark

    session = gofollow_spark.session()  # or your own, and gofollow_spark.register(it)
    packets = session.read.format("pcap").load("s3://captures/2026/")
    gofollow_spark.connections(packets).write.parquet("s3://tables/connections")

docs/spark.md tells more. Needs pyspark, pyarrow and Java: pip install 'gofollow[spark]'.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ._engine import Engine
from .errors import GofollowError, MissingPackageError, OptionError
from .spark_source import ORDER, ROWS
from .spark_worker import TICKS
from .tables import CONNECTIONS, TURNS

try:
    from pyspark.sql import functions as F
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
    from pyspark.sql.pandas.types import from_arrow_schema
except ImportError as error:
    raise MissingPackageError(f"gofollow.spark needs pyspark 4 ({error}): pip install 'gofollow[spark]'") from None

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["Clock", "clock", "connections", "register", "session", "turns"]

_JAVA = 17
_SHARDS = 16  # of a session made here: Spark's 200 are many for a small store, as each costs 0.4 s of CPU


def session(master: str = "local[*]", **config: Any) -> SparkSession:
    """Return a Spark session that can read captures: on this machine, unless master says otherwise.

    config: settings of Spark, with "_" for "." in their names, or as a dictionary: session(**{"spark.driver.memory": "4g"}). Workers
    run this Python, unless PYSPARK_PYTHON names another. spark.sql.shuffle.partitions is 16.

    Raises GofollowError if there is no Java that Spark can use.
    """
    from pyspark.sql import SparkSession

    _check_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("gofollow")
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.maxRecordsPerBatch": 4096,
        "spark.sql.shuffle.partitions": _SHARDS,
        **config,
    }
    for name, value in settings.items():
        builder = builder.config(name if "." in name else name.replace("_", "."), value)
    made: SparkSession = builder.getOrCreate()
    register(made)
    return made


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    advice = f"install Java {_JAVA} or later (apt-get install openjdk-{_JAVA}-jre-headless), or set JAVA_HOME"
    if java is None or not os.access(java, os.X_OK):
        raise GofollowError(f"Spark needs Java, and there is none {f'at {java}' if home else 'on PATH'}: {advice}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if version is None or int(version[1]) < _JAVA:
        raise GofollowError(f"Spark needs Java {_JAVA}, and {java} is {said.splitlines()[0] if said else 'none'}: {advice}")


def register(spark: SparkSession) -> None:
    """Make spark.read.format("pcap") read captures as rows, one for each packet.

    load takes a path or several: files, folders and globs, local or of a file system that pyarrow knows (s3://, hdfs://, gs://). Formats
    are those of gofollow.follow. Options: bad_files ("fail", or "skip": a file that is not a capture or is damaged makes a row with
    the column error), part_bytes (256 MiB: larger plain pcap files are read by several tasks), frames ("false": no frames and no keys,
    for clock).
    """
    spark.dataSource.register(_source())


def _source() -> type[DataSource]:
    """Return the data source as a class that is sent by value, so that a worker without gofollow can say so."""
    columns = ", ".join(f"{name} {_ddl(kind)}" for name, kind in zip(ROWS.names, ROWS.types, strict=True))

    load = _loader("spark_source")

    class Reader(DataSourceReader):  # type: ignore[misc]
        def __init__(self, options: Any) -> None:
            self.options = dict(options)

        def partitions(self) -> list[InputPartition]:
            import json

            source = load()
            part_bytes = source.Options.of(self.options).part_bytes
            paths = json.loads(self.options["paths"]) if "paths" in self.options else [self.options["path"]]
            return [InputPartition(tuple(part)) for path, size in source.files_of(paths) for part in source.divide(path, size, part_bytes)]

        def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
            source = load()
            rows: Iterator[pa.RecordBatch] = source.rows_of(source.Part(*partition.value), source.Options.of(self.options))
            try:
                yield from rows
            except source.CaptureError as error:
                raise type(error)(f"{error} (option bad_files='skip' counts such files instead)") from None

    class Pcap(DataSource):  # type: ignore[misc]
        @classmethod
        def name(cls) -> str:
            return "pcap"

        def schema(self) -> str:
            return columns

        def reader(self, schema: Any) -> DataSourceReader:
            return Reader(self.options)

    return Pcap


def _ddl(kind: pa.DataType) -> str:
    return {"bool": "boolean", "int64": "bigint", "int32": "int"}.get(str(kind), str(kind))


class Clock(NamedTuple):
    """What the shards of a store must know of all of it."""

    ticks: list[int]
    """Times that stand for those of all packets, in ns since 1970 UTC."""
    levels: int
    """How many times packets are put together from IP fragments, each time with a shuffle of its own: 0 without fragments."""


def clock(packets: DataFrame) -> Clock:
    """Return what the shards of a store must know of all of it. Reads the packets once.

    connections and turns do it by themselves. Where both are asked for, or the store is large, do it once, over packets that are read
    with the option frames="false", and hand the result to them.
    """
    partial = packets.select("clock_ns", "fragment_depth").mapInArrow(_on_worker("ticks"), from_arrow_schema(TICKS))
    ticks = F.array_sort(F.collect_list("tick"))  # of those the two earliest and the latest
    ends = F.concat(F.slice(ticks, 1, 2), F.slice(ticks, F.greatest(F.size(ticks), F.lit(3)), F.lit(1)))
    found = partial.groupBy("bucket").agg(ends.alias("ticks"), F.max("levels").alias("levels")).collect()
    return Clock(sorted(tick for row in found for tick in row["ticks"]), max((row["levels"] for row in found), default=0))


def connections(packets: DataFrame, *, partitions: int | None = None, clock: Clock | None = None, **options: Any) -> DataFrame:
    """Return the table of connections of packets, as gofollow.tables has it, with id null.

    packets: rows of the data source "pcap", all or those chosen. partitions: how many followers share the work
    (spark.sql.shuffle.partitions). clock: what clock(packets) returned. options: those of gofollow.follow that concern the engine.

    Raises OptionError.
    """
    return _table(packets, False, partitions, clock, options)


def turns(packets: DataFrame, *, partitions: int | None = None, clock: Clock | None = None, **options: Any) -> DataFrame:
    """Return the table of turns of packets, as gofollow.tables has it. Otherwise as connections."""
    return _table(packets, True, partitions, clock, options)


def _table(packets: DataFrame, turns: bool, partitions: int | None, known: Clock | None, options: dict[str, Any]) -> DataFrame:
    Engine(options).close()  # a wrong option is an error here, not in a task
    if partitions is None:
        partitions = int(packets.sparkSession.conf.get("spark.sql.shuffle.partitions"))
    if partitions < 1:
        raise OptionError(f"partitions={partitions!r} is not possible: it must be a whole number from 1")
    ticks, levels = clock(packets) if known is None else known
    packets = packets.where("key IS NOT NULL").select("key", "fragment_depth", "time_ns", *ORDER, "link_type", "frame", "wire_length")
    segments = packets.where("fragment_depth IS NULL")
    if levels:
        whole = packets.where("fragment_depth IS NOT NULL")
        for depth in range(levels):
            run = _on_worker("defragment", depth, ticks, options.get("separate", "none"))
            whole = _in_order(whole, partitions).mapInArrow(run, whole.schema)
        segments = segments.union(whole.where("fragment_depth IS NULL"))
    schema = from_arrow_schema(TURNS if turns else CONNECTIONS)
    return _in_order(segments, partitions).mapInArrow(_on_worker("follow", turns, ticks, options), schema)


def _in_order(packets: DataFrame, partitions: int) -> DataFrame:
    """Return packets with those of a key in one partition, in order."""
    return packets.repartition(partitions, "key").sortWithinPartitions(*ORDER)


def _on_worker(name: str, *arguments: Any) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return a function of spark_worker with all but its first argument."""
    load = _loader("spark_worker")

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found: Iterator[pa.RecordBatch] = getattr(load(), name)(batches, *arguments)
        return found

    return run


def _loader(name: str) -> Callable[[], Any]:
    """Return a function that imports a module of this package on a worker. It is sent by value: without the package it can say so."""

    def load() -> Any:
        import importlib
        import socket
        import sys

        try:
            return importlib.import_module(f"gofollow.{name}")
        except ImportError as error:
            raise RuntimeError(
                f"the Spark worker on {socket.gethostname()} ({sys.executable}) has no gofollow ({error}): "
                "pip install 'gofollow[spark]' there, or send an environment with spark.archives"
            ) from None

    return load
