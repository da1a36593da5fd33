"""A Spark session: the one that the environment configures, or a quiet one on this machine.

A process has one session, whichever histories it reads; it ends with the process.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OLDEST_JAVA, NEWEST_JAVA = 17, 23
"""From 24 on Java lacks what Spark 4.0 asks it for."""
JAVA = f"Java {OLDEST_JAVA} (up to {NEWEST_JAVA} will do)"
CONFIGURED = ("SPARK_REMOTE", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT")
"""Where one of these is set, somebody has said where Spark is to run."""
SETTINGS = {
    # What is no number is null, as in DuckDB's try_cast, instead of an error.
    "spark.sql.ansi.enabled": "false",
    # All moments are kept as if the histories' wall clock were UTC's: no hour is lost or doubled.
    "spark.sql.session.timeZone": "UTC",
    # DuckDB's way of reading Parquet: bytes are text, nanoseconds are known, case counts.
    "spark.sql.parquet.binaryAsString": "true",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
}
"""What our own queries need, in any session."""

_session: SparkSession | None = None


def session(memory_limit: str | None = None) -> SparkSession:
    """The session of this process; started where there is none.

    Raises
    ------
    UsageError
        When Spark is not installed, or Java is missing, too old or does not start.
    """
    global _session  # noqa: PLW0603 - as Spark itself has one a process
    _require_pyspark()
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession() or _session
    if active is None or _is_stopped(active):
        configured = any(os.environ.get(name) for name in CONFIGURED)
        active = _configured() if configured else _local(memory_limit)
        _session = active
    _silence()
    for key, value in SETTINGS.items():
        active.conf.set(key, value)
    return active


def _require_pyspark() -> None:
    try:
        import pyspark  # noqa: F401
    except ImportError:
        raise UsageError(
            "Spark is not installed.",
            where="[data] engine",
            value="spark",
            fix='pip install "churn-risk[spark]"',
        ) from None


def is_local(session: SparkSession) -> bool:
    """Whether this is the session that was started here, whose tasks find what we find."""
    return session is _session and not any(os.environ.get(name) for name in CONFIGURED)


def _silence() -> None:
    """Spark prints what it then raises, with pages of calls."""
    from pyspark.logger import PySparkLogger

    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True


def _is_stopped(session: SparkSession) -> bool:
    context = getattr(session, "_sc", None)
    return context is not None and context._jsc is None


def _configured() -> SparkSession:
    """What spark-defaults.conf, the submit arguments or SPARK_REMOTE say."""
    from pyspark.sql import SparkSession

    if not os.environ.get("SPARK_REMOTE"):
        _require_java()
    try:
        return SparkSession.builder.appName("churn-risk").getOrCreate()
    except Exception as error:
        told = [name for name in CONFIGURED if os.environ.get(name)]
        raise UsageError(
            "The Spark that the environment configures cannot be used.",
            where=", ".join(told),
            value=str(error).splitlines()[0],
            fix=f"correct it, or unset {told[0]} to run Spark on this machine",
        ) from None


def _local(memory_limit: str | None) -> SparkSession:
    """Spark on this machine: on loopback, without web pages, with its log in a folder that goes."""
    _require_java()
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    folder = Path(tempfile.mkdtemp(prefix="churn-risk-spark-"))
    log = folder / "log"
    conf = SparkConf()
    for key, value in _local_settings(folder, memory_limit).items():
        conf.set(key, value)
    try:
        with log.open("wb") as told, _environment():
            gateway = launch_gateway(conf, {"stdout": told, "stderr": told})
            context = SparkContext(conf=conf, gateway=gateway)
    except Exception as error:
        said = log.read_text(errors="replace") if log.exists() else ""
        with warnings.catch_warnings():
            # Of a Java that ended, Spark leaves a pipe open.
            warnings.simplefilter("ignore", ResourceWarning)
            traceback.clear_frames(error.__traceback__)
        shutil.rmtree(folder, ignore_errors=True)
        raise _no_start(said or str(error)) from None
    atexit.register(_end, context, folder)
    return SparkSession(context)


def _local_settings(folder: Path, memory_limit: str | None) -> dict[str, str]:
    cores = os.cpu_count() or 1
    return {
        "spark.master": "local[*]",
        "spark.app.name": "churn-risk",
        "spark.driver.memory": _megabytes(memory_limit),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "spill"),
        # Results come to the driver by streams of Arrow, which memory bounds anyway.
        "spark.driver.maxResultSize": "0",
    }


def _megabytes(limit: str | None) -> str:
    """A memory limit as Java wants it; by default a quarter of the machine's, 1 GB at least."""
    if limit is None:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        return f"{max(1024, machine // 4)}m"
    number, unit = re.fullmatch(r"([\d.]+)\s?([MG]i?B)", limit).groups()  # type: ignore[union-attr]
    return f"{max(512, round(float(number) * (1024 if unit.startswith('G') else 1)))}m"


@contextmanager
def _environment() -> Iterator[None]:
    """What Spark and its tasks start with: loopback, and the Python and packages that run here."""
    ours = str(Path(__file__).parents[1])
    wanted = {
        "SPARK_LOCAL_IP": "127.0.0.1",
        # Else whatever Python comes first on the PATH.
        "PYSPARK_PYTHON": os.environ.get("PYSPARK_PYTHON", sys.executable),
        "PYTHONPATH": os.pathsep.join([ours, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    given = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in given.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _end(context: Any, folder: Path) -> None:
    try:
        context.stop()
        context._gateway.shutdown()
        process = context._gateway.proc
        process.stdin.close()
        process.wait(timeout=10)
    except Exception:
        pass
    shutil.rmtree(folder, ignore_errors=True)


# Java


def java_home() -> Path | None:
    """The Java that Spark would start: JAVA_HOME's, or that on the PATH."""
    home = os.environ.get("JAVA_HOME")
    if home:
        found = Path(home) / "bin" / "java"
        return found if found.exists() else None
    on_path = shutil.which("java")
    return Path(on_path) if on_path else None


def _require_java() -> None:
    java = java_home()
    if java is None:
        home = os.environ.get("JAVA_HOME")
        raise UsageError(
            "Spark needs Java, which is not there.",
            where="JAVA_HOME" if home else "PATH",
            value=home or "no program called java",
            allowed=JAVA,
            fix=_INSTALL,
        )
    try:
        asked = [str(java), "-version"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise _no_start(str(said)) from None
    version = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    if version and not OLDEST_JAVA <= int(version[1]) <= NEWEST_JAVA:
        raise UsageError(
            "This Java does not fit Spark 4.0.",
            where=str(java),
            value=(done.stderr + done.stdout).splitlines()[0],
            allowed=JAVA,
            fix=_INSTALL,
        )


_INSTALL = (
    "install one (apt-get install openjdk-17-jre-headless) or point JAVA_HOME at it; "
    'engine = "duckdb" needs none'
)


def _no_start(said: str) -> UsageError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|exception|could not", line, re.I)]
    return UsageError(
        "Java does not start, so Spark cannot run.",
        where="JAVA_HOME" if os.environ.get("JAVA_HOME") else "PATH",
        value=(telling or lines or ["it said nothing"])[0][:300],
        allowed=f"{JAVA}, with as much memory as [data] memory_limit says",
        fix=_INSTALL,
    )
