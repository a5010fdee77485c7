/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/submission.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"

void problem_add(const void *owner, struct problem_list *list, bool soft, const char *item, const char *rule,
                 const char *format, ...)
{
    if (list->count >= PROBLEM_LIMIT)
        return;
    if ((list->count & (list->count - 1)) == 0)   /* 0, 1, 2, 4, ...: the room doubles */
        list->problems = memory_resize_array(owner, list->problems, struct problem,
                                             list->count == 0 ? 1 : 2 * list->count);
    struct problem *problem = &list->problems[list->count++];
    problem->item = item != NULL ? memory_copy_string(owner, item) : NULL;
    if (list->count == PROBLEM_LIMIT) {
        *problem = (struct problem){.item = NULL, .rule = "json",
                                    .text = "there are more problems; correct these first", .soft = false};
        return;
    }
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_drop_broken(text);
    problem->rule = memory_copy_string(owner, rule);
    problem->text = memory_copy_string(owner, text);
    problem->soft = soft;
}

/* Digits up to `stop`: the number, or 0 when there are none, or too many. */
static int read_number(const char *string, char stop, int most, const char **behind)
{
    int value = 0;
    const char *at = string;
    while (*at >= '0' && *at <= '9' && value <= most)
        value = value * 10 + (*at++ - '0');
    *behind = at;
    return *at == stop && value <= most ? value : 0;
}

bool subject_parse(const char *string, int *site, int *subject)
{
    const char *at;
    int site_number = read_number(string, '-', 9999, &at);
    if (site_number == 0)
        return false;
    int subject_number = read_number(at + 1, '\0', 999999, &at);
    if (subject_number == 0)
        return false;
    /* One subject has one spelling: it is part of keys and of the canonical text. */
    char canonical[SUBJECT_TEXT_SIZE];
    subject_format(site_number, subject_number, canonical);
    if (strcmp(canonical, string) != 0)
        return false;
    *site = site_number;
    *subject = subject_number;
    return true;
}

void subject_format(int site, int subject, char out[SUBJECT_TEXT_SIZE])
{
    char *end = out + text_from_number((unsigned)site % 10000, 2, out);
    *end++ = '-';
    text_from_number((unsigned)subject % 1000000, 4, end);
}
