/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T18 agreement of readings of images, of all subjects and visits together: between readers (the first reading of
 * each) and within them (first and second reading).  An image is a knee on a day.  Between readers: of the readers
 * that most images share, the most; images that lack one of them are left out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/stat_agreement.h"

enum {
    READERS_MOST = 16,           /* of one image; more are not looked at */
    SETS_MOST = 64               /* of readers of an image */
};

struct reading {
    uint32_t image;
    int reader, number;
    double value;
};

struct readings {
    struct reading *at;          /* by image, reader, number */
    size_t count, images;
    const struct dataset *dataset;
    const struct imaging_plan *plan;
    struct results *results;
    void *owner;
};

/* -- collecting -------------------------------------------------------------------------------------------- */

static int compare_readings(const void *a, const void *b)
{
    const struct reading *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    if (x->reader != y->reader)
        return x->reader < y->reader ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static double number_of(const struct readings *readings, const struct record *record,
                        const struct item_reference *item)
{
    const struct answer *answer = record_answer(readings->dataset, record, item->item);
    return answer != NULL ? answer->number : (double)NAN;
}

static void add_record(struct readings *readings, const struct record *record, uint32_t image)
{
    const struct endpoint *endpoint =
        &readings->dataset->catalogue->protocol->endpoints[readings->plan->endpoint];
    int score = form_find_score(record_form(readings->dataset, record), endpoint->score);
    double value = score != FORM_NONE ? record_score(readings->dataset, record, (size_t)score) : (double)NAN;
    double reader = number_of(readings, record, &readings->plan->reader);
    double number = number_of(readings, record, &readings->plan->reading);
    if (isnan(value) || isnan(reader) || isnan(number))
        return;
    if ((readings->count & (readings->count - 1)) == 0)
        readings->at = memory_resize_array(readings->owner, readings->at, struct reading,
                                           readings->count == 0 ? 1 : 2 * readings->count);
    readings->at[readings->count++] = (struct reading){image, (int)reader, (int)number, value};
}

/* Records of a form lie by knee and date: dataset.h. */
static void collect(struct readings *readings)
{
    const struct dataset *dataset = readings->dataset;
    int form = dataset_form_number(dataset, readings->plan->reader.form);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        struct records records = dataset_records_of(dataset, i, form);
        const struct record *last = NULL;
        for (size_t k = 0; k < records.count; k++) {
            const struct record *record = &records.at[k];
            readings->images += last == NULL || last->knee != record->knee || last->date != record->date;
            last = record;
            add_record(readings, record, (uint32_t)readings->images);
        }
    }
    if (readings->count > 0)
        qsort(readings->at, readings->count, sizeof *readings->at, compare_readings);
}

/* -- between readers --------------------------------------------------------------------------------------- */

/* The first reading of each reader of an image. */
struct image_readers {
    int readers[READERS_MOST];
    double values[READERS_MOST];
    size_t count;
};

/* Of the readings from `from` on; returns where the next image begins. */
static size_t take_image(const struct readings *readings, size_t from, struct image_readers *image)
{
    size_t at = from;
    image->count = 0;
    for (; at < readings->count && readings->at[at].image == readings->at[from].image; at++) {
        const struct reading *reading = &readings->at[at];
        bool again = image->count > 0 && image->readers[image->count - 1] == reading->reader;
        if (reading->number != 1 || again || image->count == READERS_MOST)
            continue;
        image->readers[image->count] = reading->reader;
        image->values[image->count++] = reading->value;
    }
    return at;
}

/* Whether an image has all these readers; their values into `values` (may be NULL).  Both are in order. */
static bool holds(const struct image_readers *image, const struct image_readers *readers, double *values)
{
    size_t found = 0;
    for (size_t i = 0; i < image->count && found < readers->count; i++) {
        if (image->readers[i] != readers->readers[found])
            continue;
        if (values != NULL)
            values[found] = image->values[i];
        found++;
    }
    return found == readers->count;
}

static size_t count_holding(const struct readings *readings, const struct image_readers *readers)
{
    struct image_readers image;
    size_t count = 0;
    for (size_t at = 0; at < readings->count;) {
        at = take_image(readings, at, &image);
        count += holds(&image, readers, NULL);
    }
    return count;
}

static bool was_tried(const struct image_readers *tried, size_t count, const struct image_readers *image)
{
    for (size_t i = 0; i < count; i++)
        if (tried[i].count == image->count && holds(&tried[i], image, NULL))
            return true;
    return false;
}

/* No readers when no image has two.  Of the first SETS_MOST sets of readers that images have. */
static struct image_readers choose_readers(const struct readings *readings)
{
    struct image_readers *tried = memory_new_array(readings->owner, struct image_readers, SETS_MOST);
    struct image_readers best = {.count = 0}, image;
    size_t most = 0, sets = 0;
    for (size_t at = 0; at < readings->count && sets < SETS_MOST;) {
        at = take_image(readings, at, &image);
        if (image.count < 2 || was_tried(tried, sets, &image))
            continue;
        tried[sets++] = image;
        size_t count = count_holding(readings, &image);
        if (count > most || (count == most && image.count > best.count)) {
            most = count;
            best = image;
        }
    }
    return best;
}

/* -- rows -------------------------------------------------------------------------------------------------- */

static void add_agreement(const struct readings *readings, const char *row, const double *values, size_t images,
                          size_t k)
{
    const struct protocol *protocol = readings->dataset->catalogue->protocol;
    struct agreement agreement = stat_agreement(values, images, k, protocol->level);
    char *table = memory_format(NULL, "readings %s", protocol->endpoints[readings->plan->endpoint].id);
    const struct cell cell = {readings->results, table, row, "all"};
    cell_add_count(&cell, "images", images);
    cell_add_count(&cell, "k", k);
    cell_add_or_reason(&cell, "icc", agreement.icc, agreement.reason);
    cell_add_or_reason(&cell, "icc_lo", agreement.lo, agreement.limits_reason);
    cell_add_or_reason(&cell, "icc_hi", agreement.hi, agreement.limits_reason);
    cell_add_or_reason(&cell, "sem", agreement.sem, agreement.reason);
    talloc_free(table);
}

static void add_between(const struct readings *readings)
{
    struct image_readers readers = choose_readers(readings), image;
    double *values = memory_new_array(readings->owner, double, readings->count + READERS_MOST);
    size_t images = 0;
    for (size_t at = 0; readers.count > 0 && at < readings->count;) {
        at = take_image(readings, at, &image);
        images += holds(&image, &readers, values + images * readers.count);
    }
    add_agreement(readings, "between readers", values, images, readers.count);
}

/* First and second reading of a reader stand behind each other. */
static void add_within(const struct readings *readings)
{
    double *values = memory_new_array(readings->owner, double, readings->count + 1);
    size_t images = 0;
    for (size_t i = 1; i < readings->count; i++) {
        const struct reading *first = &readings->at[i - 1], *second = &readings->at[i];
        if (first->image != second->image || first->reader != second->reader || first->number != 1
            || second->number != 2)
            continue;
        values[2 * images] = first->value;
        values[2 * images++ + 1] = second->value;
    }
    add_agreement(readings, "within readers", values, images, images > 0 ? 2 : 0);
}

void analysis_readings(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    for (size_t i = 0; i < protocol->plan.imaging_count; i++) {
        const struct imaging_plan *plan = &protocol->plan.imaging[i];
        if (!plan->has_readings)
            continue;
        struct readings readings = {
            .dataset = dataset, .plan = plan, .results = results, .owner = memory_owner(NULL, "readings")};
        collect(&readings);
        add_between(&readings);
        add_within(&readings);
        talloc_free(readings.owner);
    }
}
