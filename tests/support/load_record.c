/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/load_record.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "forms/base/memory.h"

enum { INSTANCE_MOST = 9999, SUBJECT_WIDTH = 13, KNEE_WIDTH = 7, VISIT_WIDTH = 13, INSTANCE_WIDTH = 4 };

static const char *const visits[] = {"BL", "M3", "M6", "M12", "M24"};
static const char *const knees[] = {"left", "right"};

enum { VISIT_COUNT = sizeof visits / sizeof *visits, KNEE_COUNT = sizeof knees / sizeof *knees };

uint64_t load_record_limit(const struct load_options *options)
{
    return (uint64_t)options->subjects * KNEE_COUNT * (VISIT_COUNT + INSTANCE_MOST);
}

struct load_record load_record_at(const struct load_options *options, uint64_t number)
{
    uint64_t rest = number / (uint64_t)options->subjects;
    uint64_t visit = rest / KNEE_COUNT;
    bool scheduled = visit < VISIT_COUNT;
    return (struct load_record){
        .site = options->site,
        .subject = options->first_subject + (int)(number % (uint64_t)options->subjects),
        .knee = knees[rest % KNEE_COUNT],
        .visit = scheduled ? visits[visit] : "unscheduled",
        .instance = scheduled ? 1 : (int)(visit - VISIT_COUNT) + 1,
    };
}

/* ---- ids ---- */

struct load_random load_random_seed(void)
{
    struct load_random random = {0};
    if (getrandom(&random.state, sizeof random.state, 0) != sizeof random.state)
        random.state = (uint64_t)time(NULL);
    return random;
}

/* SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static uint64_t next_random(struct load_random *random)
{
    return mix(random->state += 0x9e3779b97f4a7c15u);
}

void load_make_id(struct load_random *random, enum load_ids ids, uint8_t id[16])
{
    uint64_t halves[2] = {next_random(random), next_random(random)};
    memcpy(id, halves, sizeof halves);
    if (ids == LOAD_IDS_VERSION_7) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
        for (int i = 0; i < 6; i++)
            id[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    id[6] = (uint8_t)((id[6] & 0x0f) | (ids == LOAD_IDS_VERSION_7 ? 0x70 : 0x40));
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}

/* ---- bytes ---- */

/* In the form's order; the form's scores have another. */
static const struct {
    const char *prefix;
    int count, score;
} koos_items[LOAD_KOOS_SCALES] = {{"s", 7, 1}, {"p", 9, 0}, {"a", 17, 2}, {"sp", 5, 3}, {"q", 4, 4}};

enum { ANSWERS_OF_A_WORD = 21 };    /* 5^21 < 2^64 */

/* The answers of the submission with this number, 0 to 4. */
static void draw_answers(uint64_t number, uint8_t answers[LOAD_KOOS_ITEMS])
{
    uint64_t word = 0;
    for (size_t item = 0; item < LOAD_KOOS_ITEMS; item++) {
        if (item % ANSWERS_OF_A_WORD == 0)
            word = mix(number * 2 + item / ANSWERS_OF_A_WORD + 1);
        answers[item] = (uint8_t)(word % 5);
        word /= 5;
    }
}

static void append_answers(struct text *body, size_t answer_at[LOAD_KOOS_ITEMS])
{
    size_t start = body->length, item = 0;
    for (size_t scale = 0; scale < LOAD_KOOS_SCALES; scale++)
        for (int i = 1; i <= koos_items[scale].count; i++) {
            text_append_format(body, "%s\"%s%d\":", item > 0 ? "," : "", koos_items[scale].prefix, i);
            answer_at[item++] = body->length - start;
            text_append(body, "0");
        }
}

/* Room of `width` bytes; JSON allows blanks behind a value. */
static size_t append_room(struct text *body, const char *name, int width)
{
    text_append_format(body, "\"%s\":%*s,", name, width, "");
    return body->length - 1 - (size_t)width;
}

char *load_request_text(const void *owner, const struct load_options *options, const char *body)
{
    return memory_format(owner,
                         "POST /api/v1/studies/%s/submissions HTTP/1.1\r\nHost: localhost\r\n"
                         "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                         "Content-Length: %zu\r\n\r\n%s",
                         options->study, options->token, strlen(body), body);
}

struct load_request *load_request_new(const void *owner, const struct load_options *options)
{
    struct load_request *request = memory_new(owner, struct load_request);
    struct text *body = text_new(request);
    text_append(body, "{");
    size_t id = append_room(body, "id", 38), subject = append_room(body, "subject", SUBJECT_WIDTH);
    size_t knee = append_room(body, "knee", KNEE_WIDTH), visit = append_room(body, "visit", VISIT_WIDTH);
    size_t instance = append_room(body, "instance", INSTANCE_WIDTH);
    text_append(body, "\"form\":\"koos\",\"form_version\":1,\"date\":\"2024-02-02\",\"answers\":{");
    size_t answers = body->length;
    append_answers(body, request->answer_at);
    text_append(body, "}}");
    request->bytes = load_request_text(request, options, body->bytes);
    request->length = strlen(request->bytes);
    char *start = request->bytes + request->length - body->length;
    request->id = start + id;
    request->subject = start + subject;
    request->knee = start + knee;
    request->visit = start + visit;
    request->instance = start + instance;
    request->answers = start + answers;
    return request;
}

static void patch_text(char *place, int width, const char *value)
{
    size_t length = strlen(value);
    memset(place, ' ', (size_t)width);
    place[0] = '"';
    memcpy(place + 1, value, length);
    place[length + 1] = '"';
}

void load_request_patch(struct load_request *request, const struct load_record *record, const uint8_t id[16],
                        uint64_t number)
{
    char hyphened[37], subject[32], instance[16];
    text_from_uuid(id, hyphened);
    patch_text(request->id, 38, hyphened);
    snprintf(subject, sizeof subject, "%02d-%04d", record->site, record->subject);
    patch_text(request->subject, SUBJECT_WIDTH, subject);
    patch_text(request->knee, KNEE_WIDTH, record->knee);
    patch_text(request->visit, VISIT_WIDTH, record->visit);
    snprintf(instance, sizeof instance, "%*d", INSTANCE_WIDTH, record->instance);
    memcpy(request->instance, instance, INSTANCE_WIDTH);
    uint8_t answers[LOAD_KOOS_ITEMS];
    draw_answers(number, answers);
    for (size_t item = 0; item < LOAD_KOOS_ITEMS; item++)
        request->answers[request->answer_at[item]] = (char)('0' + answers[item]);
}

/* ---- what must be stored ---- */

void load_append_canonical(struct text *text, const struct load_options *options, uint64_t number)
{
    struct load_record record = load_record_at(options, number);
    uint8_t answers[LOAD_KOOS_ITEMS];
    size_t item = 0;
    draw_answers(number, answers);
    text_append_format(text,
                       "{\"study\":\"%s\",\"subject\":\"%02d-%04d\",\"knee\":\"%s\",\"form\":\"koos\","
                       "\"form_version\":1,\"visit\":\"%s\",\"instance\":%d,\"version\":1,\"status\":\"complete\","
                       "\"date\":\"2024-02-02\",\"answers\":{",
                       options->study, record.site, record.subject, record.knee, record.visit, record.instance);
    for (size_t scale = 0; scale < LOAD_KOOS_SCALES; scale++)
        for (int i = 1; i <= koos_items[scale].count; i++, item++)
            text_append_format(text, "%s\"%s%d\":%d", item > 0 ? "," : "", koos_items[scale].prefix, i, answers[item]);
    text_append(text, "}}");
}

void load_append_csv_header(struct text *text)
{
    text_append(text, "subject,knee,visit,instance,date");
    for (size_t scale = 0; scale < LOAD_KOOS_SCALES; scale++)
        for (int i = 1; i <= koos_items[scale].count; i++)
            text_append_format(text, ",%s%d", koos_items[scale].prefix, i);
    text_append(text, "\n");
}

void load_append_csv(struct text *text, const struct load_options *options, uint64_t number)
{
    struct load_record record = load_record_at(options, number);
    uint8_t answers[LOAD_KOOS_ITEMS];
    char cells[2 * LOAD_KOOS_ITEMS];
    draw_answers(number, answers);
    for (size_t item = 0; item < LOAD_KOOS_ITEMS; item++) {
        cells[2 * item] = ',';
        cells[2 * item + 1] = (char)('0' + answers[item]);
    }
    text_append_format(text, "%02d-%04d,%s,%s,%d,2024-02-02", record.site, record.subject, record.knee, record.visit,
                       record.instance);
    text_append_bytes(text, cells, sizeof cells);
    text_append(text, "\n");
}

/* 100 at best, each answer of 0 at best to 4: KOOS scoring 2012, nothing missing. */
void load_koos_scores(uint64_t number, double scores[LOAD_KOOS_SCALES])
{
    uint8_t answers[LOAD_KOOS_ITEMS];
    size_t item = 0;
    draw_answers(number, answers);
    for (size_t scale = 0; scale < LOAD_KOOS_SCALES; scale++) {
        int sum = 0;
        for (int i = 0; i < koos_items[scale].count; i++)
            sum += answers[item++];
        scores[koos_items[scale].score] = 100.0 - 100.0 * sum / (4.0 * koos_items[scale].count);
    }
}
