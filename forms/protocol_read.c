/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/protocol_read.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/form_read.h"

static const char *const root_keys[] = {"protocol",  "cohorts",    "visits",   "any_time",
                                        "endpoints", "responders", "analysis", NULL};
static const char *const head_keys[] = {"id", "version", "title", "masking", "randomised", "allocation",
                                        "index_knee_rule", NULL};
static const char *const cohort_keys[] = {"id", "title", "kind", NULL};
static const char *const visit_keys[] = {"id", "title", "target", "due", "analysis", "forms", NULL};
static const char *const masking_words[] = {"none", "double", NULL};
static const char *const allocation_words[] = {"subject", "knee", NULL};
static const char *const kind_words[] = {"active", "control", "placebo", NULL};

static const char *const index_knee_words[] = {"first_treated", "as_enrolled", NULL};

const char *protocol_read_text(struct protocol_reader *reader, const struct yaml *map, const char *key,
                               enum yaml_need need)
{
    const char *text = yaml_get_text(map, key, need, reader->faults);
    return text != NULL ? memory_copy_string(reader->protocol, text) : NULL;
}

const char *const *protocol_read_texts(struct protocol_reader *reader, const struct yaml *map,
                                       const char *key, size_t *count)
{
    *count = 0;
    const struct yaml *list = yaml_get_list(map, key, YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return NULL;
    const char **texts = memory_new_array(reader->protocol, const char *, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const char *text = yaml_text(list->children[i], reader->faults);
        if (text == NULL)
            continue;
        for (size_t j = 0; j < *count; j++)
            if (strcmp(texts[j], text) == 0)
                yaml_fault(reader->faults, list->children[i], "\"%.64s\" is in \"%s\" twice; remove one",
                           text, key);
        texts[(*count)++] = memory_copy_string(reader->protocol, text);
    }
    return texts;
}

const char *protocol_read_name(struct protocol_reader *reader, const struct yaml *map)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const char *id = protocol_read_text(reader, map, "id", YAML_REQUIRED);
    if (id == NULL)
        return "";
    size_t length = strlen(id);
    if (length <= 32 && strchr(letters, id[0]) != NULL && strspn(id, rest) == length
        && strcmp(id, "unscheduled") != 0)
        return id;
    yaml_fault(reader->faults, yaml_find(map, "id"),
               "id \"%.64s\" must begin with a letter and hold only letters, digits, "
               "- and _ (at most 32), and not be \"unscheduled\"",
               id);
    return "";
}

bool protocol_read_reference(struct protocol_reader *reader, const struct yaml *node, const char **form,
                             const char **name)
{
    const char *text = yaml_text(node, reader->faults);
    if (text == NULL)
        return false;
    const char *dot = strchr(text, '.');
    if (dot != NULL) {
        *form = memory_copy_bytes(reader->protocol, text, (size_t)(dot - text));
        *name = memory_copy_string(reader->protocol, dot + 1);
        if (form_is_id(*form) && form_is_id(*name))
            return true;
    }
    yaml_fault(reader->faults, node, "\"%.64s\" must be form.name, as in koos.pain", text);
    return false;
}

static void read_head(struct protocol_reader *reader)
{
    struct protocol *protocol = reader->protocol;
    struct faults *faults = reader->faults;
    yaml_allow_keys(reader->root, root_keys, faults);
    const struct yaml *head = yaml_get_map(reader->root, "protocol", YAML_REQUIRED, faults);
    if (head == NULL)
        return;
    yaml_allow_keys(head, head_keys, faults);
    const char *id = form_read_id(head, faults);
    protocol->id = id != NULL ? memory_copy_string(protocol, id) : NULL;
    yaml_get_integer(head, "version", YAML_REQUIRED, (struct yaml_bounds){1, 9999}, &protocol->version,
                     faults);
    protocol->title = protocol_read_text(reader, head, "title", YAML_REQUIRED);
    int masking = yaml_get_word(head, "masking", YAML_REQUIRED, masking_words, faults);
    protocol->masking = masking == MASKING_DOUBLE ? MASKING_DOUBLE : MASKING_NONE;
    yaml_get_boolean(head, "randomised", YAML_REQUIRED, &protocol->randomised, faults);
    int unit = yaml_get_word(head, "allocation", YAML_OPTIONAL, allocation_words, faults);
    protocol->allocation = unit == ALLOCATE_KNEE ? ALLOCATE_KNEE : ALLOCATE_SUBJECT;
    int rule = yaml_get_word(head, "index_knee_rule", YAML_OPTIONAL, index_knee_words, faults);
    protocol->index_knee_rule = rule == INDEX_KNEE_AS_ENROLLED ? INDEX_KNEE_AS_ENROLLED : INDEX_KNEE_FIRST_TREATED;
}

static void read_cohorts(struct protocol_reader *reader)
{
    struct protocol *protocol = reader->protocol;
    const struct yaml *list = yaml_get_list(reader->root, "cohorts", YAML_REQUIRED, reader->faults);
    if (list == NULL)
        return;
    if (list->count == 0)
        yaml_fault(reader->faults, list, "a protocol needs at least one cohort");
    struct cohort *cohorts = memory_new_array(protocol, struct cohort, list->count);
    protocol->cohorts = cohorts;
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *node = list->children[i];
        if (!yaml_expect(node, YAML_MAP, reader->faults))
            continue;
        yaml_allow_keys(node, cohort_keys, reader->faults);
        struct cohort *cohort = &cohorts[protocol->cohort_count];
        cohort->id = protocol_read_name(reader, node);
        cohort->title = protocol_read_text(reader, node, "title", YAML_REQUIRED);
        int kind = yaml_get_word(node, "kind", YAML_REQUIRED, kind_words, reader->faults);
        cohort->kind = kind >= 0 ? (enum cohort_kind)kind : COHORT_ACTIVE;
        if (cohort->id[0] != '\0' && protocol_find_cohort(protocol, cohort->id) >= 0)
            yaml_fault(reader->faults, node, "this cohort is here twice; give it another id");
        protocol->cohort_count++;
    }
}

/* One bound of a window: a study day, or `min` or `max` where the window may be open. */
static bool read_bound(struct protocol_reader *reader, const struct yaml *node, bool may_be_open, int *day)
{
    const char *text = yaml_text(node, reader->faults);
    if (text == NULL)
        return false;
    if (may_be_open && (strcmp(text, "min") == 0 || strcmp(text, "max") == 0)) {
        *day = strcmp(text, "min") == 0 ? WINDOW_OPEN_START : WINDOW_OPEN_END;
        return true;
    }
    int64_t number = 0;
    if (text_to_int64(text, &number) && number != 0 && number > -100000 && number < 100000) {
        *day = (int)number;
        return true;
    }
    if (strcmp(text, "0") == 0)
        yaml_fault(reader->faults, node,
                   "there is no study day 0; the day of treatment is 1, the day before is -1");
    else
        yaml_fault(reader->faults, node, "\"%.64s\" is no study day; write a whole number%s", text,
                   may_be_open ? ", min or max" : "");
    return false;
}

static void read_window(struct protocol_reader *reader, const struct yaml *visit, const char *key,
                        int window[2])
{
    bool may_be_open = strcmp(key, "analysis") == 0;
    window[0] = window[1] = 1;
    const struct yaml *list = yaml_get_list(visit, key, YAML_REQUIRED, reader->faults);
    if (list == NULL)
        return;
    if (list->count != 2) {
        yaml_fault(reader->faults, list, "\"%s\" must be two study days, as in [78, 106]", key);
        return;
    }
    bool first = read_bound(reader, list->children[0], may_be_open, &window[0]);
    bool last = read_bound(reader, list->children[1], may_be_open, &window[1]);
    if (first && last && window[0] > window[1])
        yaml_fault(reader->faults, list, "\"%s\" ends before it begins; write the earlier day first", key);
}

static void read_visit(struct protocol_reader *reader, const struct yaml *node, struct visit *visit)
{
    struct faults *faults = reader->faults;
    yaml_allow_keys(node, visit_keys, faults);
    visit->id = protocol_read_name(reader, node);
    visit->line = node->line;
    const char *title = protocol_read_text(reader, node, "title", YAML_OPTIONAL);
    visit->title = title != NULL ? title : visit->id;
    visit->target = 1;
    const struct yaml *target = yaml_find(node, "target");
    bool has_target = target != NULL && read_bound(reader, target, false, &visit->target);
    if (target == NULL)
        yaml_fault(faults, node, "\"target\" is missing; add the study day the visit is planned for");
    size_t faults_before = faults->count;
    read_window(reader, node, "due", visit->due);
    read_window(reader, node, "analysis", visit->analysis);
    visit->forms = protocol_read_texts(reader, node, "forms", &visit->form_count);
    if (visit->form_count == 0)
        yaml_fault(faults, node, "\"forms\" is missing or empty; name the forms that are due at this visit");
    if (!has_target || faults->count > faults_before)
        return;
    if (visit->target < visit->due[0] || visit->target > visit->due[1])
        yaml_fault(faults, node, "target %d lies outside the due window [%d, %d]", visit->target,
                   visit->due[0], visit->due[1]);
    if (visit->target < visit->analysis[0] || visit->target > visit->analysis[1])
        yaml_fault(faults, node, "target %d lies outside the analysis window", visit->target);
}

static int compare_targets(const void *a, const void *b)
{
    const struct visit *left = a, *right = b;
    if (left->target != right->target)
        return left->target < right->target ? -1 : 1;
    return left->line - right->line;
}

/* In order of target: neighbours must not overlap, and the last one that ends by day 1 is the baseline. */
static void order_visits(struct protocol_reader *reader, struct visit *visits, size_t count)
{
    const char *file = reader->root->file;
    qsort(visits, count, sizeof visits[0], compare_targets);
    struct visit *baseline = NULL;
    for (size_t i = 0; i < count; i++) {
        if (visits[i].analysis[1] <= 1)
            baseline = &visits[i];
        if (i > 0 && visits[i].analysis[0] <= visits[i - 1].analysis[1])
            faults_add(reader->faults, file, visits[i].line,
                       "%s: its analysis window overlaps that of %s (line %d); a "
                       "record must belong to one visit",
                       visits[i].id, visits[i - 1].id, visits[i - 1].line);
    }
    if (baseline != NULL)
        baseline->baseline = true;
    else
        faults_add(reader->faults, file, yaml_find(reader->root, "visits")->line,
                   "no baseline visit; one analysis window "
                   "must end on day 1 or before, as in [min, 1]");
}

void protocol_read_visits(struct protocol_reader *reader)
{
    struct protocol *protocol = reader->protocol;
    const struct yaml *list = yaml_get_list(reader->root, "visits", YAML_REQUIRED, reader->faults);
    if (list == NULL)
        return;
    struct visit *visits = memory_new_array(protocol, struct visit, list->count);
    protocol->visits = visits;
    size_t faults_before = reader->faults->count;
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *node = list->children[i];
        if (!yaml_expect(node, YAML_MAP, reader->faults))
            continue;
        struct visit *visit = &visits[protocol->visit_count];
        read_visit(reader, node, visit);
        if (visit->id[0] != '\0' && protocol_find_visit(protocol, visit->id) != NULL)
            yaml_fault(reader->faults, node, "this visit is here twice; give it another id");
        protocol->visit_count++;
    }
    if (reader->faults->count == faults_before)
        order_visits(reader, visits, protocol->visit_count);
}

struct protocol *protocol_read(const void *owner, const struct yaml *root, struct faults *faults)
{
    if (!yaml_expect(root, YAML_MAP, faults))
        return NULL;
    size_t faults_before = faults->count;
    struct protocol_reader reader = {
        .protocol = memory_new(owner, struct protocol), .root = root, .faults = faults};
    struct protocol *protocol = reader.protocol;
    read_head(&reader);
    read_cohorts(&reader);
    protocol_read_visits(&reader);
    protocol->any_time = protocol_read_texts(&reader, root, "any_time", &protocol->any_time_count);
    const struct yaml *any_time = yaml_find(root, "any_time");
    protocol->any_time_line = any_time != NULL ? any_time->line : 0;
    protocol_read_endpoints(&reader);
    protocol_read_analysis(&reader);
    return faults->count == faults_before ? protocol : NULL;
}

struct protocol *protocol_parse(const void *owner, const char *file, const char *text, size_t length,
                                struct error *error)
{
    void *scratch = memory_owner(NULL, "protocol_parse");
    struct faults faults = faults_begin(scratch);
    struct protocol *protocol = NULL;
    const struct yaml *root = yaml_parse(scratch, file, text, length, error);
    if (root != NULL) {
        protocol = protocol_read(owner, root, &faults);
        if (!faults_to_error(&faults, error))
            protocol = NULL;
    }
    talloc_free(scratch);
    return protocol;
}
