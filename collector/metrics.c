/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "collector/catalogues.h"
#include "collector/clock.h"
#include "collector/problem_details.h"
#include "collector/writer.h"

static const struct {
    const char *name;
    const char *labels;      /* with braces, or "" */
    const char *type;
    const char *help;        /* of the first of a name */
} metrics_table[METRIC_COUNT] = {
    [METRIC_CONNECTIONS_OPEN] = {"patella_connections_open", "", "gauge", "Open connections."},
    [METRIC_CONNECTIONS_ACCEPTED] = {"patella_connections_total", "", "counter", "Connections taken."},
    [METRIC_REFUSED_TOTAL_LIMIT] = {"patella_connections_refused_total", "{reason=\"total_limit\"}",
                                    "counter", "Connections refused."},
    [METRIC_REFUSED_ADDRESS_LIMIT] = {"patella_connections_refused_total", "{reason=\"address_limit\"}",
                                      "counter", ""},
    [METRIC_REFUSED_DESCRIPTORS] = {"patella_connections_refused_total", "{reason=\"descriptors\"}",
                                    "counter", ""},
    [METRIC_REFUSED_HANDSHAKE] = {"patella_connections_refused_total", "{reason=\"handshake\"}", "counter",
                                  ""},
    [METRIC_LATE_HANDSHAKE] = {"patella_deadlines_total", "{phase=\"handshake\"}", "counter",
                               "Connections closed at a deadline."},
    [METRIC_LATE_HEAD] = {"patella_deadlines_total", "{phase=\"head\"}", "counter", ""},
    [METRIC_LATE_BODY] = {"patella_deadlines_total", "{phase=\"body\"}", "counter", ""},
    [METRIC_LATE_WORK] = {"patella_deadlines_total", "{phase=\"work\"}", "counter", ""},
    [METRIC_LATE_REPLY] = {"patella_deadlines_total", "{phase=\"reply\"}", "counter", ""},
    [METRIC_LATE_END] = {"patella_deadlines_total", "{phase=\"end\"}", "counter", ""},
    [METRIC_TOKENS_CACHED] = {"patella_tokens_total", "{found=\"cache\"}", "counter", "Tokens looked up."},
    [METRIC_TOKENS_ASKED] = {"patella_tokens_total", "{found=\"database\"}", "counter", ""},
    [METRIC_TOKENS_DENIED] = {"patella_tokens_total", "{found=\"nowhere\"}", "counter", ""},
    [METRIC_WORKER_QUEUE_FULL] = {"patella_worker_queue_full_total", "", "counter",
                                  "Requests refused because all workers were busy."},
    [METRIC_HELD_BYTES] = {"patella_held_bytes", "", "gauge",
                           "Bytes of bodies, waiting submissions and unread replies."},
    [METRIC_REFUSED_HELD_BYTES] = {"patella_held_bytes_refused_total", "{reason=\"total_limit\"}", "counter",
                                   "Requests refused because too many bytes were held."},
    [METRIC_REFUSED_ADDRESS_BYTES] = {"patella_held_bytes_refused_total", "{reason=\"address_limit\"}",
                                      "counter", ""},
    [METRIC_CERTIFICATE_EXPIRES] = {"patella_certificate_expires_seconds", "", "gauge",
                                    "End of the server's certificate, unix time."},
    [METRIC_MACHINE_CA_EXPIRES] = {"patella_machine_ca_expires_seconds", "", "gauge",
                                   "When the first certificate of a machines' CA ends, unix time; 0: none is used."},
    [METRIC_CRL_EXPIRES] = {"patella_machine_crl_expires_seconds", "", "gauge",
                            "When the first list of revoked machine certificates ends, unix time; 0: none is used."},
    [METRIC_BODY_PIECES] = {"patella_upload_pieces_total", "", "counter", "Pieces of uploads that were received."},
    [METRIC_BODY_PIECE_BYTES] = {"patella_upload_bytes_total", "", "counter", "Bytes of uploads that were received."},
    [METRIC_UNSEALED_AGE] = {"patella_unsealed_age_seconds", "", "gauge",
                             "Age of the oldest row of the audit trail that no block holds; 0: none."},
    [METRIC_BLOCK_AGE] = {"patella_block_age_seconds", "", "gauge", "Age of the last sealed block; -1: none yet."},
};

enum { METRICS_ROUTES = 128, METRICS_CLASSES = 6, METRICS_PROBLEMS = 128 };

static const int bucket_us[] = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,
                                2500000, 5000000, 10000000};
enum { BUCKETS = sizeof bucket_us / sizeof *bucket_us };

static struct {
    struct router_table routes;
    int64_t started_us;      /* by clock_now_us: the clock on the wall may be set */
    _Atomic bool loopback_only;
    _Atomic int64_t values[METRIC_COUNT];
    _Atomic int64_t refusals[HTTP_REFUSAL_COUNT];
    _Atomic int64_t problems[METRICS_PROBLEMS + 1];                  /* the last one: a code of no table */
    _Atomic int64_t requests[METRICS_ROUTES + 1][METRICS_CLASSES];   /* the last row: no route */
    _Atomic int64_t buckets[BUCKETS + 1];                            /* the last one: longer */
    _Atomic int64_t duration_us;
} metrics;

void metrics_start(const struct router_table *table)
{
    metrics.routes = *table;
    metrics.started_us = clock_now_us();
    metrics_set(METRIC_BLOCK_AGE, -1);
}

void metrics_set_loopback_only(bool loopback_only)
{
    atomic_store(&metrics.loopback_only, loopback_only);
}

static void add(_Atomic int64_t *counter, int64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static int64_t value_of(_Atomic int64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_add(enum metric metric, int64_t value)
{
    add(&metrics.values[metric], value);
}

void metrics_set(enum metric metric, int64_t value)
{
    atomic_store_explicit(&metrics.values[metric], value, memory_order_relaxed);
}

void metrics_count_refusal(enum http_refusal refusal)
{
    add(&metrics.refusals[refusal], 1);
}

void metrics_count_problem(const char *code)
{
    size_t row = 0;
    const char *known;
    while ((known = problem_details_code(row)) != NULL && strcmp(known, code) != 0)
        row++;
    add(&metrics.problems[known != NULL && row < METRICS_PROBLEMS ? row : METRICS_PROBLEMS], 1);
}

static size_t row_of(const struct route *route)
{
    size_t row = route != NULL ? (size_t)(route - metrics.routes.routes) : METRICS_ROUTES;
    return row < METRICS_ROUTES ? row : METRICS_ROUTES;
}

void metrics_count_request(const struct route *route, int status, int64_t duration_us)
{
    size_t class = status >= 100 && status < 600 ? (size_t)status / 100 : 0;
    add(&metrics.requests[row_of(route)][class], 1);
    size_t bucket = 0;
    while (bucket < BUCKETS && duration_us > bucket_us[bucket])
        bucket++;
    add(&metrics.buckets[bucket], 1);
    add(&metrics.duration_us, duration_us);
}

static void append_head(struct text *out, const char *name, const char *type, const char *help)
{
    text_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_table(struct text *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        if (*metrics_table[i].help != '\0')
            append_head(out, metrics_table[i].name, metrics_table[i].type, metrics_table[i].help);
        text_append_format(out, "%s%s %" PRId64 "\n", metrics_table[i].name, metrics_table[i].labels,
                           value_of(&metrics.values[i]));
    }
}

static void append_requests(struct text *out)
{
    append_head(out, "patella_requests_total", "counter", "Replies by route and class of status.");
    for (size_t row = 0; row <= METRICS_ROUTES; row++) {
        bool known = row < METRICS_ROUTES && row < metrics.routes.count;
        for (size_t class = 1; class < METRICS_CLASSES; class++) {
            int64_t count = value_of(&metrics.requests[row][class]);
            if (count > 0)
                text_append_format(
                    out, "patella_requests_total{method=\"%s\",route=\"%s\",status=\"%zuxx\"} %" PRId64 "\n",
                    known ? metrics.routes.routes[row].method : "",
                    known ? metrics.routes.routes[row].pattern : "none", class, count);
        }
    }
}

static void append_durations(struct text *out)
{
    append_head(out, "patella_request_seconds", "histogram",
                "From the first byte of a request to its reply.");
    int64_t total = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        total += value_of(&metrics.buckets[i]);
        text_append_format(out, "patella_request_seconds_bucket{le=\"%g\"} %" PRId64 "\n", bucket_us[i] / 1e6,
                           total);
    }
    total += value_of(&metrics.buckets[BUCKETS]);
    text_append_format(out, "patella_request_seconds_bucket{le=\"+Inf\"} %" PRId64 "\n", total);
    text_append_format(out, "patella_request_seconds_sum %.6f\npatella_request_seconds_count %" PRId64 "\n",
                       (double)value_of(&metrics.duration_us) / 1e6, total);
}

static void append_refusals(struct text *out)
{
    append_head(out, "patella_framing_refusals_total", "counter", "Requests whose head was refused.");
    for (int i = HTTP_REFUSED_NOTHING + 1; i < HTTP_REFUSAL_COUNT; i++)
        text_append_format(out, "patella_framing_refusals_total{reason=\"%s\"} %" PRId64 "\n",
                           http_refusal_code((enum http_refusal)i), value_of(&metrics.refusals[i]));
}

static void append_problems(struct text *out)
{
    const char *code;
    append_head(out, "patella_problems_total", "counter", "Problems by code, those of the rows of arrays among them.");
    for (size_t row = 0; row < METRICS_PROBLEMS && (code = problem_details_code(row)) != NULL; row++)
        text_append_format(out, "patella_problems_total{code=\"%s\"} %" PRId64 "\n", code,
                           value_of(&metrics.problems[row]));
    text_append_format(out, "patella_problems_total{code=\"other\"} %" PRId64 "\n",
                       value_of(&metrics.problems[METRICS_PROBLEMS]));
}

static void append_writer(struct text *out)
{
    struct writer_counts counts = writer_read_counts();
    append_head(out, "patella_submissions_total", "counter", "Submissions by the database's verdict.");
    text_append_format(out, "patella_submissions_total{verdict=\"accepted\"} %" PRIu64 "\n", counts.accepted);
    text_append_format(out, "patella_submissions_total{verdict=\"replayed\"} %" PRIu64 "\n", counts.replayed);
    text_append_format(out, "patella_submissions_total{verdict=\"refused\"} %" PRIu64 "\n", counts.refused);
    append_head(out, "patella_writer_batches_total", "counter", "Groups committed.");
    text_append_format(out, "patella_writer_batches_total %" PRIu64 "\n", counts.batches);
    append_head(out, "patella_writer_retries_total", "counter", "Groups tried again.");
    text_append_format(out, "patella_writer_retries_total %" PRIu64 "\n", counts.retries);
    append_head(out, "patella_writer_busy_total", "counter", "Submissions put off because their study was locked.");
    text_append_format(out, "patella_writer_busy_total %" PRIu64 "\n", counts.busy);
    append_head(out, "patella_writer_failures_total", "counter", "Submissions given up: 503.");
    text_append_format(out, "patella_writer_failures_total %" PRIu64 "\n", counts.failures);
    append_head(out, "patella_writer_queued", "gauge", "Submissions that wait for the writer.");
    text_append_format(out, "patella_writer_queued %zu\n", counts.queued);
}

void metrics_append(struct text *out)
{
    append_head(out, "patella_build_info", "gauge", "Version of the program.");
    text_append_format(out, "patella_build_info{version=\"%s\"} 1\n", PATELLA_VERSION);
    append_head(out, "patella_uptime_seconds", "gauge", "Seconds since the start.");
    text_append_format(out, "patella_uptime_seconds %" PRId64 "\n",
                       (clock_now_us() - metrics.started_us) / 1000000);
    const struct catalogues *catalogues = catalogues_hold();
    append_head(out, "patella_catalogue_version", "gauge",
                "Version of the studies and forms in use; 0: none yet.");
    text_append_format(out, "patella_catalogue_version %" PRId64 "\n",
                       catalogues != NULL ? catalogues->version : 0);
    catalogues_release(catalogues);
    append_table(out);
    append_requests(out);
    append_durations(out);
    append_refusals(out);
    append_problems(out);
    append_writer(out);
}

/* ---- routes ---- */

static bool is_loopback(const char *peer)
{
    return strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0 || strncmp(peer, "::ffff:127.", 11) == 0;
}

void handle_metrics(struct exchange *exchange, struct store *store)
{
    (void)store;
    if (atomic_load(&metrics.loopback_only) && !is_loopback(exchange->peer)) {
        exchange_reply_problem(exchange, 404, "not_found", "there is nothing here");
        return;
    }
    exchange->reply = text_new(exchange);
    metrics_append(exchange->reply);
    exchange->reply_type = "text/plain; version=0.0.4; charset=utf-8";
    exchange->status = 200;
}

static void reply_status(struct exchange *exchange, const char *status)
{
    struct text *body = text_new(exchange);
    text_append_format(body, "{\"status\":\"%s\"}", status);
    exchange_reply_json(exchange, 200, body);
}

void handle_healthz(struct exchange *exchange, struct store *store)
{
    (void)store;
    reply_status(exchange, "alive");
}

void handle_readyz(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const char *trouble = NULL;
    if (!store_ping(store, &error))
        trouble = "the database does not answer";
    else if (!store_check_schema(store, &error))
        trouble = "the database's schema does not fit this program";
    else if (exchange->catalogues == NULL || !catalogues_ready())
        trouble = "the studies and forms of the database are not loaded";
    else if (!writer_is_connected())
        trouble = "the writer has no connection to the database";
    if (trouble != NULL)
        exchange_reply_problem(exchange, 503, "unavailable", "%s", trouble);
    else
        reply_status(exchange, "ready");
}
