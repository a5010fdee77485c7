/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/format.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/date.h"

enum { MOST_DECIMALS = 9, AS_COLLECTED = 0, FIXED = 1 };

static const struct {
    const char *stat;
    int kind;            /* AS_COLLECTED: added to the decimals of the data; FIXED: the decimals themselves */
    int decimals;
} stat_formats[] = {
    {"mean", AS_COLLECTED, 1}, {"lo", AS_COLLECTED, 1},  {"hi", AS_COLLECTED, 1}, {"median", AS_COLLECTED, 1},
    {"q1", AS_COLLECTED, 1},   {"q3", AS_COLLECTED, 1},  {"sd", AS_COLLECTED, 2}, {"se", AS_COLLECTED, 2},
    {"min", AS_COLLECTED, 0},  {"max", AS_COLLECTED, 0}, {"smd", FIXED, 2},
    {"lsmean", AS_COLLECTED, 1}, {"diff", AS_COLLECTED, 1}, {"est", AS_COLLECTED, 1}, {"hl", AS_COLLECTED, 1},
    {"q25", AS_COLLECTED, 1},  {"q75", AS_COLLECTED, 1}, {"rmst", AS_COLLECTED, 1},
    {"df", FIXED, 1},          {"df1", FIXED, 0},        {"df2", FIXED, 1},       {"t", FIXED, 2},
    {"F", FIXED, 2},           {"chisq", FIXED, 2},      {"rr", FIXED, 2},        {"or", FIXED, 2},
    {"hr", FIXED, 2},          {"hedges_g", FIXED, 2},   {"cohen_d", FIXED, 2},   {"g", FIXED, 2},
    {"d", FIXED, 2},           {"auc", FIXED, 3},        {"ratio", FIXED, 2},
    {"srm", FIXED, 2},         {"W", FIXED, 1},          {"cmh", FIXED, 2},       {"nnt", FIXED, 1},
    {"gcmh", FIXED, 2},
    {"adjusted", AS_COLLECTED, 1}, {"icc", FIXED, 3},    {"sem", AS_COLLECTED, 2},
    {"welch", AS_COLLECTED, 1}, {"pooled", AS_COLLECTED, 1},
    {"py", FIXED, 1},          {"eair100", FIXED, 1},    {"eair", FIXED, 1},      {"rate100", FIXED, 1},
    {"rate", FIXED, 1},        {"irr", FIXED, 2},        {"ird", FIXED, 1},       {"err", FIXED, 2},
    {"erd", FIXED, 1},         {"evalue", FIXED, 2},     {"effective", FIXED, 1}, {"rmse", AS_COLLECTED, 2},
    {"interaction", AS_COLLECTED, 1}, {"ess", FIXED, 1}, {"weight_max", FIXED, 2},
    {"tipping", AS_COLLECTED, 1}, {"corr", FIXED, 3},    {"condition", FIXED, 1}, {"m2reml", FIXED, 2},
    {"aic", FIXED, 2},         {"z", FIXED, 2},
};

const char *format_number(char out[FORMAT_SIZE], double value, int decimals)
{
    if (isnan(value)) {
        snprintf(out, FORMAT_SIZE, "NE");
        return out;
    }
    if (decimals < 0)
        decimals = 0;
    if (decimals > MOST_DECIMALS)
        decimals = MOST_DECIMALS;
    double scale = pow(10, decimals);
    double scaled = fabs(value) * scale;
    /* Beyond 2^50 a double has no digits left to round. */
    if (!isfinite(value) || scaled > 0x1p50) {
        snprintf(out, FORMAT_SIZE, "%.17g", value);
        return out;
    }
    double fuzz = fmax(1e-9, 4 * DBL_EPSILON * scaled);
    int64_t units = (int64_t)floor(scaled + 0.5 + fuzz);
    int64_t whole = units / (int64_t)scale, fraction = units % (int64_t)scale;
    const char *sign = value < 0 && units != 0 ? "-" : "";
    if (decimals == 0)
        snprintf(out, FORMAT_SIZE, "%s%lld", sign, (long long)whole);
    else
        snprintf(out, FORMAT_SIZE, "%s%lld.%0*lld", sign, (long long)whole, decimals, (long long)fraction);
    return out;
}

const char *format_exact(char out[FORMAT_SIZE], double value)
{
    format_number(out, value, MOST_DECIMALS);
    size_t length = strlen(out);
    if (strchr(out, '.') == NULL || strchr(out, 'e') != NULL)
        return out;
    while (out[length - 1] == '0')
        out[--length] = '\0';
    if (out[length - 1] == '.')
        out[length - 1] = '\0';
    return out;
}

/* Index into stat_formats of the name that is the first `length` characters of `stat`, or -1. */
static int find_format(const char *stat, size_t length)
{
    for (size_t i = 0; i < sizeof stat_formats / sizeof *stat_formats; i++)
        if (strlen(stat_formats[i].stat) == length && strncmp(stat_formats[i].stat, stat, length) == 0)
            return (int)i;
    return -1;
}

int format_decimals(const char *stat, int collected)
{
    int at = find_format(stat, strlen(stat));
    if (at < 0)
        at = find_format(stat, strcspn(stat, "_"));
    if (at >= 0)
        return stat_formats[at].decimals + (stat_formats[at].kind == AS_COLLECTED ? collected : 0);
    return strncmp(stat, "pct", 3) == 0 ? 1 : 0;   /* pct, pct_expected, pct_pain_scorable */
}

bool format_is_p(const char *stat)
{
    size_t length = strlen(stat);
    return strcmp(stat, "p") == 0 || strncmp(stat, "p_", 2) == 0 ||
           (length > 2 && strcmp(stat + length - 2, "_p") == 0);
}

const char *format_stat(char out[FORMAT_SIZE], const char *stat, double value, int collected)
{
    return format_is_p(stat) ? format_p(out, value)
                             : format_number(out, value, format_decimals(stat, collected));
}

const char *format_percent_of(char out[FORMAT_SIZE], double proportion)
{
    return format_number(out, 100 * proportion, format_decimals("pct", 0));
}

const char *format_p(char out[FORMAT_SIZE], double p)
{
    if (p < 0.0001)
        snprintf(out, FORMAT_SIZE, "<.0001");
    else if (p > 0.9999)
        snprintf(out, FORMAT_SIZE, ">.9999");
    else
        format_number(out, p, 4);
    return out;
}

const char *format_letters(char out[FORMAT_SIZE], size_t number)
{
    char letters[16];
    size_t at = sizeof letters;
    letters[--at] = '\0';
    for (; number > 0 && at > 0; number = (number - 1) / 26)
        letters[--at] = (char)('a' + (number - 1) % 26);
    snprintf(out, FORMAT_SIZE, "%s", letters + at);
    return out;
}

const char *format_instant(char out[FORMAT_SIZE], int64_t microseconds)
{
    int64_t seconds = microseconds / 1000000 - (microseconds % 1000000 < 0 ? 1 : 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
    int of_day = (int)(seconds - days * 86400);
    char date[DATE_TEXT_SIZE];
    date_format((date_days)days, date);
    snprintf(out, FORMAT_SIZE, "%s %02d:%02d:%02d UTC", date, of_day / 3600, of_day / 60 % 60, of_day % 60);
    return out;
}
