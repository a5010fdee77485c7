/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_client_progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "forms/base/memory.h"

enum { BAR_WIDTH = 30, TENTHS = 10, MINUTE_S = 60, HOUR_S = 3600, MEASURED_US = 500000, SECOND_US = 1000000 };

/* Time after which an older rate counts for a third only: short enough for a line that changes its speed. */
static const double smoothing_us = 5e6;

struct upload_client_progress {
    FILE *stream;
    bool is_terminal;
    bool line_open;              /* a bar stands on the line */
    int tenth;                   /* last one told, -1: none */
    char what[32];               /* of the step that is measured, "" before the first */
    int64_t measured_us, measured_done, measured_part;
    double per_us, part_per_us;  /* measured; 0: not known yet */
    struct text *line;
};

struct upload_client_progress *upload_client_progress_new(const void *owner, FILE *stream, bool is_terminal)
{
    struct upload_client_progress *progress = memory_new(owner, struct upload_client_progress);
    progress->stream = stream;
    progress->is_terminal = is_terminal;
    progress->tenth = -1;
    progress->line = text_new(progress);
    return progress;
}

/* ---- words ---- */

void upload_client_append_bytes(struct text *text, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;
    if (bytes < 1000) {
        text_append_format(text, "%" PRId64 " B", bytes);
        return;
    }
    /* 999.96 kB would be written as 1000.0 kB. */
    for (; value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        value /= 1000;
    text_append_format(text, "%.*f %s", unit == 2 ? 2 : 1, value, units[unit]);
}

void upload_client_append_count(struct text *text, int64_t count)
{
    char digits[TEXT_NUMBER_SIZE];
    size_t length = text_from_number(count < 0 ? 0 : (uint64_t)count, 1, digits);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text_append(text, ",");
        text_append_bytes(text, digits + i, 1);
    }
}

void upload_client_append_duration(struct text *text, int64_t seconds)
{
    if (seconds < MINUTE_S)
        text_append_format(text, "%" PRId64 " s", seconds);
    else if (seconds < HOUR_S)
        text_append_format(text, "%" PRId64 " min %02" PRId64 " s", seconds / MINUTE_S, seconds % MINUTE_S);
    else
        text_append_format(text, "%" PRId64 " h %02" PRId64 " min", seconds / HOUR_S, seconds % HOUR_S / MINUTE_S);
}

static void append_amount(struct text *text, enum upload_client_unit unit, int64_t amount)
{
    if (unit == UPLOAD_CLIENT_BYTES) {
        upload_client_append_bytes(text, amount);
    } else {
        upload_client_append_count(text, amount);
        text_append(text, " rows");
    }
}

/* ---- rates ---- */

static double smoothed(double old, double amount, int64_t passed_us)
{
    double fresh = amount / (double)passed_us, weight = (double)passed_us / ((double)passed_us + smoothing_us);
    return old > 0 ? old + weight * (fresh - old) : fresh;
}

/* A step of another name begins a new measurement; so does one that went back. */
static void measure(struct upload_client_progress *progress, int64_t now_us, const struct upload_client_step *step)
{
    int64_t passed_us = now_us - progress->measured_us;
    bool fresh = strncmp(progress->what, step->what, sizeof progress->what - 1) != 0;
    if (fresh || step->done < progress->measured_done) {
        strncpy(progress->what, step->what, sizeof progress->what - 1);
        progress->per_us = progress->part_per_us = 0;
        progress->tenth = fresh ? -1 : progress->tenth;
    } else if (passed_us < MEASURED_US) {
        return;
    } else {
        progress->per_us = smoothed(progress->per_us, (double)(step->done - progress->measured_done), passed_us);
        progress->part_per_us =
            smoothed(progress->part_per_us, (double)(step->part - progress->measured_part), passed_us);
    }
    progress->measured_us = now_us;
    progress->measured_done = step->done;
    progress->measured_part = step->part;
}

/* ---- a line ---- */

static void append_rate(struct upload_client_progress *progress, const struct upload_client_step *step)
{
    struct text *line = progress->line;
    double per_s = step->per_s > 0 ? step->per_s : progress->per_us * SECOND_US;
    if (per_s > 0) {
        text_append(line, ", ");
        append_amount(line, step->unit, (int64_t)(per_s + 0.5));
        text_append(line, "/s");
    }
    int64_t left_s = step->left_s;
    if (left_s < 0 && progress->part_per_us > 0)
        left_s = (int64_t)((double)(step->whole - step->part) / progress->part_per_us / SECOND_US + 0.5);
    if (left_s >= 0 && step->whole > step->part) {
        text_append(line, ", ");
        upload_client_append_duration(line, left_s);
        text_append(line, " left");
    }
}

static void write_line(struct upload_client_progress *progress, const struct upload_client_step *step)
{
    struct text *line = progress->line;
    text_clear(line);
    text_append(line, step->what);
    if (step->whole > 0 && progress->is_terminal) {
        int filled = (int)(step->part * BAR_WIDTH / step->whole);
        text_append_format(line, " [%.*s%*s]", filled, "##############################", BAR_WIDTH - filled, "");
    }
    if (step->whole > 0)
        text_append_format(line, " %d %%", (int)(step->part * 100 / step->whole));
    text_append(line, step->whole > 0 ? ", " : ": ");
    append_amount(line, step->unit, step->done);
    if (step->unit == UPLOAD_CLIENT_BYTES && step->whole > 0) {
        text_append(line, " of ");
        upload_client_append_bytes(line, step->whole);
    }
    append_rate(progress, step);
}

void upload_client_progress_show(struct upload_client_progress *progress, int64_t now_us,
                                 const struct upload_client_step *step)
{
    measure(progress, now_us, step);
    if (progress->stream == NULL)
        return;
    int tenth = step->whole > 0 ? (int)(step->part * TENTHS / step->whole) : 0;
    if (progress->is_terminal) {
        write_line(progress, step);
        fprintf(progress->stream, "\r%s\033[K", progress->line->bytes);
        progress->line_open = true;
    } else if (tenth > progress->tenth) {
        write_line(progress, step);
        fprintf(progress->stream, "%s\n", progress->line->bytes);
    }
    progress->tenth = tenth > progress->tenth ? tenth : progress->tenth;
    fflush(progress->stream);
}

static void end_line(struct upload_client_progress *progress)
{
    if (progress->line_open)
        fputs("\n", progress->stream);
    progress->line_open = false;
}

void upload_client_progress_end(struct upload_client_progress *progress)
{
    end_line(progress);
    progress->what[0] = '\0';
    progress->measured_done = progress->measured_part = 0;
}

void upload_client_progress_note(struct upload_client_progress *progress, const char *format, ...)
{
    if (progress->stream == NULL)
        return;
    end_line(progress);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(progress->stream, format, arguments);
    va_end(arguments);
    fputs("\n", progress->stream);
    fflush(progress->stream);
}
