/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Treatment-emergent adverse events of treated subjects, as the safety tables count them.
 *
 * Emergent: onset on or after the subject's first treatment (of either knee), or marked as worsened after
 * treatment.  An event at the harvest site counts from the first harvest, where its date is given.  A partial
 * onset that can lie on or after that day counts, unless the event ended before it; it is `imputed` when it
 * can also lie before.  Source: ICH E3 12.2; ICH E9 (treatment emergent).
 *
 * Fatal: resulted in death, or a fatal outcome, or CTCAE grade 5.  Serious: answered so, or fatal, or not
 * answered (`serious_missing` when that alone decides).  Source: ICH E2A II.B; CTCAE 5.0.
 *
 * Related: relation to the product or to the procedure possible, probable or definite.  A relation to the
 * product that is not given counts as related (`relation_missing` when that alone decides); a relation to the
 * procedure that is not given adds nothing, because most studies do not ask for it.  `none` and `unlikely`
 * are not related, as in the tables of cell-therapy trials (Chen et al., Stem Cell Res Ther 2021;12:562,
 * table 2).
 *
 * Severity: as answered; where only the CTCAE grade is given, grades 1, 2 and 3 to 5 are mild, moderate,
 * severe.
 */
#ifndef PATELLA_ADVERSE_EVENT_H
#define PATELLA_ADVERSE_EVENT_H

#include "reports/dataset.h"

enum severity { SEVERITY_MISSING, SEVERITY_MILD, SEVERITY_MODERATE, SEVERITY_SEVERE, SEVERITY_COUNT };

struct adverse_event {
    size_t subject;              /* index into dataset->subjects */
    int column;                  /* of the subject */
    const char *soc;             /* system organ class, "Uncoded" when not given */
    const char *term;            /* "SOC | PT"; PT is the coded term, or the verbatim one */
    date_days onset_first;       /* earliest day that the onset can mean, DATE_NONE when not given */
    date_days onset_last;        /* latest one */
    enum severity severity;
    bool related, relation_missing;
    bool serious, serious_missing, fatal, led_to_withdrawal, imputed;
    const char *interest;        /* code of special interest, NULL when none */
    bool names_arm;              /* pooled report: an event at the harvest site; its term is left out */
};

struct adverse_events {
    struct adverse_event *events;    /* in the dataset's order: by subject */
    size_t count;
};

enum emergence { EMERGENCE_NONE, EMERGENCE_CERTAIN, EMERGENCE_IMPUTED };

bool adverse_event_is_form(const struct dataset *dataset, const struct record *record);
bool adverse_event_is_fatal(const struct dataset *dataset, const struct record *record);
bool adverse_event_is_serious(const struct dataset *dataset, const struct record *record);
/* EMERGENCE_NONE for subjects who are not treated, too. */
enum emergence adverse_event_emergence(const struct dataset *dataset, const struct record *record);

/* First treatment of either knee, DATE_NONE when there is none. */
date_days adverse_event_day_1(const struct subject *subject);

/*
 * Days that a treated subject was followed for events: from the first treatment of either knee to the last
 * contact, both counted; 1 when that is said to be before the treatment.
 */
int adverse_event_follow_up(const struct subject *subject);

/*
 * An event as its form has it, emergent or not; `imputed` is not set.  Texts that are put together hang on `owner`.
 */
struct adverse_event adverse_event_read(const void *owner, const struct dataset *dataset,
                                        const struct record *record);

/* Events of subjects that have a column. */
struct adverse_events adverse_events_of(const void *owner, const struct dataset *dataset);

#endif
