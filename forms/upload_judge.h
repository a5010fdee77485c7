/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record of a file that is being judged; only upload_effect*.c see it. */
#ifndef PATELLA_UPLOAD_JUDGE_H
#define PATELLA_UPLOAD_JUDGE_H

#include "forms/upload_effect.h"

/* What stands for an item: an answer, a reason for having none, or neither. */
struct upload_slot {
    const char *text;
    const char *reason;
};

struct upload_judge {
    const void *owner;           /* of what stays; the judge itself owns what does not */
    const struct upload_plan *plan;
    const struct upload_record *record;
    const struct upload_stored *stored;
    const struct upload_judging *judging;
    struct upload_findings *findings;
    const struct form *form;     /* the newer one of the file's and the stored one's */
    const struct submission_input *before;   /* what is stored; NULL: nothing, or a void version */
    struct upload_slot *old;     /* form->item_count, as stored */
    struct upload_slot *merged;  /* ... with what the file says */
    struct raw_answer *gone;     /* stored answers whose items the form has no more */
    size_t gone_count;
    const char *date;
    bool refused;
};

/* A cell of the file: PLAN's column and what stands in it; column NULL where the file has none. */
struct upload_place upload_judge_place(const struct upload_judge *judge, const char *item);
/* The place of the row's first column with that role. */
struct upload_place upload_judge_role_place(const struct upload_judge *judge, enum upload_role role);

/* A finding that refuses the row. */
void upload_judge_refuse(struct upload_judge *judge, const char *code, const struct upload_place *place,
                         const char *format, ...) PRINTF_LIKE(4, 5);

/* Problems of submission_check as findings: hard ones refuse, soft ones warn. */
void upload_judge_say_problems(struct upload_judge *judge, const struct problem_list *problems);

/* Frozen, unknown, locked, signed, void: what may not be written at all. */
void upload_judge_check_holds(struct upload_judge *judge);

/* The date against the knee's day 1: refusals, and the window that the visit is due in. */
void upload_judge_check_day(struct upload_judge *judge, date_days date, bool date_is_new);

/* The file's scores against those of `form` that are computed. */
void upload_judge_check_scores(struct upload_judge *judge, const struct form *form, const double *scores);

/* Blank cells where answers are stored, and answers that are all alike. */
void upload_judge_warn_kept(struct upload_judge *judge);
void upload_judge_warn_alike(struct upload_judge *judge, const struct submission *submission);

#endif
