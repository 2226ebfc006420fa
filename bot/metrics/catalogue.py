"""Every metric there is: its name, what it means, in which unit, by what it is told apart.

`docs/metrics.md` is made of this, and a test holds it, the dashboard and the alerts to it.
"""

from bot.metrics.sheet import Kind, Metric

CATALOGUE: list[Metric] = []


def _new(kind: Kind, name: str, about: str, *labels: str) -> Metric:
    CATALOGUE.append(Metric(kind, name, about, labels))
    return CATALOGUE[-1]


# ---- prices: what the chain serves at the moment of the scrape

PRICE = _new("gauge", "price", "Price served, in quote currency.", "symbol")
PRICE_AGE = _new("gauge", "price_age_seconds",
                 "Time since the price served was current, by the monotonic clock.", "symbol")
PRICE_CONFIDENCE = _new("gauge", "price_confidence",
                        "How far from the truth the price served may be, in quote currency; none "
                        "for one that is made up.", "symbol")
PRICE_TRUSTED = _new("gauge", "price_trusted",
                     "1 while the price served is trusted, as the API's `trusted`.", "symbol")
PRICE_READY = _new("gauge", "price_ready",
                   "1 while any tier has a trusted real price, as /readyz.", "symbol")
PRICE_STATUS = _new("gauge", "price_status", "1 for the status of the price served, else 0; none: "
                    "there is no price.", "symbol", "status")
SERVED_TIER = _new("gauge", "served_tier", "1 for the tier that serves the price, else 0; none: "
                   "there is no price.", "symbol", "tier")
PRICE_AVAILABILITY = _new("gauge", "price_availability_ratio",
                          "Share of the time observed in which there was a trusted price.",
                          "symbol")
BLACKOUT = _new("histogram", "blackout_seconds",
                "Time without a trusted price of the exchanges, at each switch of the active "
                "source.", "symbol")
SWITCHES = _new("counter", "switches",
                "Switches of the active source, by the source that was left and the rule that "
                "found it unfit; return: back to the primary, nothing was wrong.",
                "symbol", "source", "rule")
NO_SUCCESSOR = _new("counter", "switches_failed",
                    "Times the active source was left and no other was fit.", "symbol")
MAX_PRICE_AGE = _new("gauge", "max_price_age_seconds",
                     "Setting MAX_PRICE_AGE: older prices of the exchanges are not served.")

# ---- sources

SOURCE_UP = _new("gauge", "source_up", "1 while the connection to the source is open.", "source")
SOURCE_CONNECTED = _new("gauge", "source_connection_age_seconds",
                        "Age of the connection.", "source")
SOURCE_FIT = _new("gauge", "source_fit",
                  "1 while the source may be active: connected, not silent, late, frozen or put "
                  "away.", "source", "symbol")
SOURCE_ACTIVE = _new("gauge", "source_active", "1 for the source whose price is served first.",
                     "source", "symbol")
SOURCE_AWAY = _new("gauge", "source_put_away",
                   "1 while the source is put away, for it contradicted the others.",
                   "source", "symbol")
SOURCE_FAULT = _new("gauge", "source_fault", "1 while the source is unfit by this rule.",
                    "source", "symbol", "rule")
SOURCE_PRICE = _new("gauge", "source_price", "What the source said last, in quote currency.",
                    "source", "symbol")
SOURCE_AGE = _new("gauge", "source_price_age_seconds",
                  "Time since that was current, by the monotonic clock.", "source", "symbol")
SOURCE_AVAILABILITY = _new("gauge", "source_availability_ratio",
                           "Share of the time observed in which the source was fit.",
                           "source", "symbol")
PING = _new("gauge", "source_ping_seconds",
            "Round trip of the last ping, or so long a ping has waited.", "source")
CLOCK_OFFSET = _new("gauge", "source_clock_offset_seconds",
                    "How far this machine's clock is ahead of the source's stamps as a rule, the "
                    "way from there included.", "source")
LAG = _new("histogram", "source_lag_seconds",
           "How late messages come: receipt less stamp, above what is usual; without the first of "
           "a connection.", "source")
UPDATES = _new("counter", "updates", "Normalised updates taken.", "source", "type")
REPEATS = _new("counter", "update_repeats", "Updates that told nothing new.", "source")
HELD_BACK = _new("counter", "ticks_held_back", "Wild prices that were not believed.",
                 "source", "symbol")
ERRORS = _new("counter", "source_errors",
              "Faults: unreadable frames, impossible stamps, errors that the exchange reports, "
              "connections that could not be opened.", "source", "reason")
RECONNECTS = _new("counter", "reconnects",
                  "Connections that ended and had to be opened anew, by how they ended.",
                  "source", "cause")
HANDOVERS = _new("counter", "handovers", "Connections replaced by a new one without a gap.",
                 "source")
MAX_LATENCY = _new("gauge", "max_source_latency_seconds",
                   "Setting MAX_SOURCE_LATENCY: a source that is silent or late for longer is not "
                   "fit.")

# ---- REST APIs of the exchanges

REST_REQUESTS = _new("counter", "rest_requests", "Tickers asked for, by what came of it.",
                     "source", "result")
REST_BUDGET = _new("gauge", "rest_budget_used_ratio",
                   "Share used of the requests that the exchange allows this address.", "source")

# ---- incidents

INCIDENTS_OPEN = _new("gauge", "incidents_open", "Incidents that go on.", "rule")
INCIDENTS = _new("counter", "incidents",
                 "Incidents since the start, by the rule they began with.", "rule")
DRILL = _new("gauge", "drill_running", "1 while a drill goes on: its incidents are rehearsed.")

# ---- queues: what is full loses something, and nothing ever waits for it

QUEUE_WAITING = _new("gauge", "queue_waiting", "Items that wait.", "queue")
QUEUE_CAPACITY = _new("gauge", "queue_capacity", "Items that can wait.", "queue")
QUEUE_DROPPED = _new("counter", "queue_dropped",
                     "Items there was no room for, or whose place a newer one took.", "queue")
DASHBOARDS = _new("gauge", "dashboards", "Dashboards connected to /ws.")
DASHBOARDS_DROPPED = _new("counter", "dashboards_dropped",
                          "Dashboards disconnected because they did not read.")

# ---- recorder

RECORDER_ACTIVE = _new("gauge", "recorder_active", "1 while what comes is stored.")
RECORDER_ROWS = _new("counter", "recorder_rows",
                     "Rows stored (written), refused by the full queue (dropped), or by the "
                     "database for a value (rejected).", "result")
RECORDER_COMMIT = _new("histogram", "recorder_commit_seconds", "Time that a commit took.")
RECORDER_LAST = _new("gauge", "recorder_last_commit_timestamp_seconds",
                     "Moment of the last commit, Unix time.")
RECORDER_WINDOW = _new("gauge", "recorder_lost_window_seconds",
                       "A kill now loses at most what came within this time.")
RECORDER_FILE = _new("gauge", "recorder_file_bytes", "Size of the DuckDB file.")
RECORDER_LOG = _new("gauge", "recorder_wal_bytes", "Size of its write-ahead log.")
RECORDER_FREE = _new("gauge", "recorder_disk_free_bytes", "Free on the disk of that file.")
ARCHIVE_DAY = _new("gauge", "archive_last_day_timestamp_seconds",
                   "Beginning of the newest day that was moved to the archive, Unix time.")
ARCHIVE_FAILING = _new("gauge", "archive_failing",
                       "1 while closed days cannot be moved to the archive.")

# ---- Kafka

KAFKA_UP = _new("gauge", "kafka_up", "1 while the topic can be read, or written; none until known.",
                "topic", "direction")
KAFKA_WAITING = _new("gauge", "kafka_waiting_records",
                     "Records not read yet (the lag), or not acknowledged yet.",
                     "topic", "direction")
KAFKA_RECORDS = _new("counter", "kafka_records", "Records, by what became of them.",
                     "topic", "direction", "result")
KAFKA_CLIENTS = _new("counter", "kafka_clients_replaced", "Clients that were thrown away.",
                     "topic", "direction")

# ---- alerts to people

ALERT_UP = _new("gauge", "alert_channel_up",
                "1 while people can be told through the channel; none until something was told.",
                "channel")
ALERT_MESSAGES = _new("counter", "alert_messages",
                      "Messages, by what became of them: taken (sent), not taken (failed), given "
                      "up for newer ones (dropped).", "channel", "result")
ALERT_WAITING = _new("gauge", "alert_waiting", "Incidents that are to be told next.", "channel")

# ---- the process

BUILD = _new("gauge", "build_info", "1; which program this is, and how it runs.",
             "version", "instance_id", "mode")
START_TIME = _new("gauge", "start_time_seconds", "Start of the bot, Unix time.")
THREADS = _new("gauge", "threads", "Threads that are alive.")
