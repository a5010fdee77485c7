/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/results_compare.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"

enum cell { CELL_TABLE, CELL_ROW, CELL_COL, CELL_STAT, CELL_VALUE, CELL_STATUS, CELL_NOTE, CELL_COUNT };

enum { NO_ROW = -1 };

static struct csv_table *read_results(const void *owner, const struct results_text *text, struct error *error)
{
    static const char *const names[CELL_COUNT] = {"table", "row", "col", "stat", "value", "status", "note"};
    struct csv_table *table = csv_table_read(owner, "results.csv", text->text, text->length, error);
    if (table == NULL)
        return NULL;
    bool fits = table->column_count == CELL_COUNT;
    for (size_t i = 0; i < CELL_COUNT && fits; i++)
        fits = strcmp(table->columns[i], names[i]) == 0;
    if (fits)
        return table;
    error_at(error, ERROR_INPUT, "results.csv", 1, "the columns are not those of results");
    return NULL;
}

static int compare_names(const struct csv_row *a, const struct csv_row *b)
{
    for (int i = CELL_TABLE; i <= CELL_STAT; i++) {
        int order = strcmp(a->cells[i], b->cells[i]);
        if (order != 0)
            return order;
    }
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct csv_row *left = *(const struct csv_row *const *)a, *right = *(const struct csv_row *const *)b;
    int order = compare_names(left, right);
    return order != 0 ? order : (left > right) - (left < right);
}

static const struct csv_row **sort_rows(const void *owner, const struct csv_table *table)
{
    const struct csv_row **rows = memory_new_array(owner, const struct csv_row *, table->row_count);
    for (size_t i = 0; i < table->row_count; i++)
        rows[i] = &table->rows[i];
    if (table->row_count > 0)
        qsort(rows, table->row_count, sizeof rows[0], compare_rows);
    return rows;
}

/*
 * matches[i]: index of the earlier row that belongs to later row i, NO_ROW; taken[k]: earlier row k has one.
 */
static void match_rows(const void *owner, const struct csv_table *before, const struct csv_table *after,
                       int64_t *matches, bool *taken)
{
    const struct csv_row **left = sort_rows(owner, before), **right = sort_rows(owner, after);
    size_t l = 0, r = 0;
    for (size_t i = 0; i < after->row_count; i++)
        matches[i] = NO_ROW;
    while (l < before->row_count && r < after->row_count) {
        int order = compare_names(left[l], right[r]);
        if (order == 0) {
            matches[right[r] - after->rows] = left[l] - before->rows;
            taken[left[l] - before->rows] = true;
        }
        l += order <= 0 ? 1 : 0;
        r += order >= 0 ? 1 : 0;
    }
}

static const char *shown(const struct csv_row *row)
{
    return row->cells[CELL_VALUE][0] != '\0' ? row->cells[CELL_VALUE] : row->cells[CELL_STATUS];
}

/* Relative difference of two values, INFINITY when one of them is no number. */
static double distance(const char *before, const char *after)
{
    char *end_a, *end_b;
    double a = strtod(before, &end_a), b = strtod(after, &end_b);
    if (end_a == before || *end_a != '\0' || end_b == after || *end_b != '\0')
        return (double)INFINITY;
    double largest = fmax(fabs(a), fabs(b));
    return largest > 0 ? fabs(a - b) / largest : 0;
}

/* `named`: the row that the names are taken from; values are NULL where there is no row. */
static void add(struct differences *differences, enum difference_kind kind, const struct csv_row *named,
                const char *before, const char *after)
{
    differences->at[differences->count++] = (struct difference){
        .kind = kind,
        .table = named->cells[CELL_TABLE],
        .row = named->cells[CELL_ROW],
        .col = named->cells[CELL_COL],
        .stat = named->cells[CELL_STAT],
        .before = before,
        .after = after,
    };
}

static void compare_pair(struct differences *differences, const struct csv_row *before,
                         const struct csv_row *after, double tolerance)
{
    if (strcmp(shown(before), shown(after)) == 0)
        return;
    double difference = distance(shown(before), shown(after));
    if (isfinite(difference) && difference > differences->largest)
        differences->largest = difference;
    if (!(difference <= tolerance) || tolerance <= 0)
        add(differences, DIFFERENCE_CHANGED, after, shown(before), shown(after));
}

struct differences *results_compare(const void *owner, const struct results_text *before,
                                    const struct results_text *after, double tolerance, struct error *error)
{
    struct differences *differences = memory_new(owner, struct differences);
    struct csv_table *old = read_results(differences, before, error);
    struct csv_table *new = old != NULL ? read_results(differences, after, error) : NULL;
    if (new == NULL) {
        talloc_free(differences);
        return NULL;
    }
    void *work = memory_owner(NULL, "compare");
    int64_t *matches = memory_new_array(work, int64_t, new->row_count);
    bool *taken = memory_new_array(work, bool, old->row_count);
    match_rows(work, old, new, matches, taken);
    differences->before_rows = old->row_count;
    differences->after_rows = new->row_count;
    differences->at = memory_new_array(differences, struct difference,
                                       memory_size_sum(old->row_count, new->row_count));
    for (size_t i = 0; i < new->row_count; i++) {
        if (matches[i] == NO_ROW)
            add(differences, DIFFERENCE_NEW, &new->rows[i], NULL, shown(&new->rows[i]));
        else
            compare_pair(differences, &old->rows[matches[i]], &new->rows[i], tolerance);
    }
    for (size_t i = 0; i < old->row_count; i++)
        if (!taken[i])
            add(differences, DIFFERENCE_GONE, &old->rows[i], shown(&old->rows[i]), NULL);
    talloc_free(work);
    return differences;
}
