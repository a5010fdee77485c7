/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names that mean the same in every study: keys, and what REDCap, LibreClinica, Castor and ODK write for themselves. */
#include <string.h>

#include "forms/upload_planning.h"

/* Rank 0: nobody calls anything else so; 1: the tools' own names, which give way to the former; 2: taken if need be. */
static const struct known_key keys[] = {
    {"subject", UPLOAD_SUBJECT, 0, false},
    {"subjectid", UPLOAD_SUBJECT, 0, false},
    {"subject_id", UPLOAD_SUBJECT, 0, false},
    {"subjectnumber", UPLOAD_SUBJECT, 0, false},
    {"subject_number", UPLOAD_SUBJECT, 0, false},
    {"subjid", UPLOAD_SUBJECT, 0, false},
    {"studysubjectid", UPLOAD_SUBJECT, 0, false},
    {"study_subject_id", UPLOAD_SUBJECT, 0, false},
    {"participant", UPLOAD_SUBJECT, 0, false},
    {"participantid", UPLOAD_SUBJECT, 0, false},
    {"participant_id", UPLOAD_SUBJECT, 0, false},
    {"castorparticipantid", UPLOAD_SUBJECT, 0, false},
    {"patient", UPLOAD_SUBJECT, 0, false},
    {"patientid", UPLOAD_SUBJECT, 0, false},
    {"patient_id", UPLOAD_SUBJECT, 0, false},
    {"record_id", UPLOAD_SUBJECT, 1, false},
    {"recordid", UPLOAD_SUBJECT, 1, false},
    {"record", UPLOAD_SUBJECT, 1, false},
    {"study_id", UPLOAD_SUBJECT, 2, false},
    {"knee", UPLOAD_KNEE, 0, false},
    {"side", UPLOAD_KNEE, 1, true},
    {"knee_side", UPLOAD_KNEE, 0, false},
    {"kneeside", UPLOAD_KNEE, 0, false},
    {"laterality", UPLOAD_KNEE, 1, true},
    {"visit", UPLOAD_VISIT, 0, false},
    {"visit_id", UPLOAD_VISIT, 0, false},
    {"visitid", UPLOAD_VISIT, 0, false},
    {"visit_name", UPLOAD_VISIT, 0, false},
    {"visitname", UPLOAD_VISIT, 0, false},
    {"redcap_event_name", UPLOAD_VISIT, 1, false},
    {"event", UPLOAD_VISIT, 1, true},
    {"event_name", UPLOAD_VISIT, 1, false},
    {"eventname", UPLOAD_VISIT, 1, false},
    {"field_name", UPLOAD_FIELD_NAME, 0, false},
    {"value", UPLOAD_FIELD_VALUE, 0, false},
    {"timepoint", UPLOAD_VISIT, 1, true},
    {"time_point", UPLOAD_VISIT, 1, true},
    {"date", UPLOAD_DATE, 0, false},
    {"visit_date", UPLOAD_DATE, 1, true},
    {"visitdate", UPLOAD_DATE, 1, true},
    {"date_of_visit", UPLOAD_DATE, 1, true},
    {"dateofvisit", UPLOAD_DATE, 1, true},
    {"form_date", UPLOAD_DATE, 1, true},
    {"today", UPLOAD_DATE, 2, true},
    {"instance", UPLOAD_INSTANCE, 0, false},
    {"redcap_repeat_instance", UPLOAD_INSTANCE, 1, false},
    {"repeatinstance", UPLOAD_INSTANCE, 1, false},
    {"repeat_instance", UPLOAD_INSTANCE, 1, false},
    {"form", UPLOAD_FORM, 0, false},
    {"form_id", UPLOAD_FORM, 0, false},
    {"instrument", UPLOAD_FORM, 1, true},
    {"form_version", UPLOAD_FORM_VERSION, 0, false},
    {"redcap_repeat_instrument", UPLOAD_REPEAT_FORM, 0, false},
    {"repeatinstrument", UPLOAD_REPEAT_FORM, 0, false},
    {"site", UPLOAD_SITE, 0, true},
    {"site_id", UPLOAD_SITE, 0, true},
    {"site_number", UPLOAD_SITE, 0, true},
    {"sitenumber", UPLOAD_SITE, 0, true},
    {"centre", UPLOAD_SITE, 1, true},
    {"center", UPLOAD_SITE, 1, true},
    {"study", UPLOAD_STUDY, 0, true},
    {"study_code", UPLOAD_STUDY, 0, true},
    {"reason", UPLOAD_REASON, 1, true},
    {"reason_for_change", UPLOAD_REASON, 0, false},
    {"reasonforchange", UPLOAD_REASON, 0, false},
    {"change_reason", UPLOAD_REASON, 0, false},
    {"#reason", UPLOAD_REASON, 0, false},
    {"#version", UPLOAD_IGNORED, 0, false},
    {"#confirm", UPLOAD_IGNORED, 0, false},
    {"version", UPLOAD_IGNORED, 0, true},
    {"status", UPLOAD_STATUS, 0, true},
    {"reviewstate", UPLOAD_STATUS, 0, true},
    {"complete?", UPLOAD_COMPLETE, 0, true},
    {"not_answered", UPLOAD_NOT_ANSWERED, 0, false},
    {"error_line", UPLOAD_IGNORED, 0, false},
    {"error_column", UPLOAD_IGNORED, 0, false},
    {"error_code", UPLOAD_IGNORED, 0, false},
    {"error_text", UPLOAD_IGNORED, 0, false},
    {"x", UPLOAD_NAMELESS, 0, true},
    {"...1", UPLOAD_NAMELESS, 0, false},
    {"unnamed:0", UPLOAD_NAMELESS, 0, false},
};

/* Names that mean a key only in the files of those who write them so: elsewhere nobody knows what they are. */
static bool is_of_tool(const struct known_key *key, enum upload_tool tool)
{
    if (key->role == UPLOAD_STATUS)
        return tool == UPLOAD_ODK || tool == UPLOAD_PATELLA;
    if (key->role == UPLOAD_FIELD_NAME || key->role == UPLOAD_FIELD_VALUE)
        return tool == UPLOAD_REDCAP_EAV;
    return strcmp(key->name, "version") != 0 || tool == UPLOAD_PATELLA;
}

const struct known_key *upload_find_key_of(enum upload_tool tool, const char *folded)
{
    const struct known_key *key = upload_find_key(folded);
    return key != NULL && is_of_tool(key, tool) ? key : NULL;
}

const struct known_key *upload_find_key(const char *folded)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i].name, folded) == 0)
            return &keys[i];
    return NULL;
}

/* ---- tools ---- */

static bool has(const char *const *folded, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(folded[i], name) == 0)
            return true;
    return false;
}

static bool has_any(const char *const *folded, size_t count, const char *const *names)
{
    for (; *names != NULL; names++)
        if (has(folded, count, *names))
            return true;
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

static const char *const redcap_names[] = {"redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance",
                                           "redcap_data_access_group", "redcap_survey_identifier", NULL};
static const char *const redcap_labels[] = {"eventname", "repeatinstrument", "complete?", "dataaccessgroup",
                                            "surveyidentifier", NULL};
static const char *const redcap_records[] = {"record", "record_id", NULL};
static const char *const castor_names[] = {"participantstatus", "siteabbreviation", "randomizationid",
                                           "participantcreationdate", "repeatingdataname", NULL};
static const char *const odk_names[] = {"submissiondate", "parent_key", "submitterid", "meta-instanceid",
                                        "reviewstate", NULL};
static const char *const libreclinica_names[] = {"protocolid", "personid", "secondaryid", "subjectstatus", NULL};
static const char *const patella_names[] = {"instance", "version", "status", "not_answered", NULL};

static bool is_redcap(const char *const *folded, size_t count)
{
    bool labelled = has(folded, count, "recordid") && has_any(folded, count, redcap_labels);
    if (labelled || has_any(folded, count, redcap_names))
        return true;
    bool marked = false;
    for (size_t i = 0; i < count && !marked; i++)
        marked = ends_with(folded[i], "_complete") || strstr(folded[i], "___") != NULL;
    return marked && has_any(folded, count, redcap_records);
}

static bool is_patella(const char *const *folded, size_t count)
{
    size_t found = has(folded, count, "subject") ? 1 : 0;
    for (const char *const *name = patella_names; *name != NULL; name++)
        found += has(folded, count, *name);
    return found >= sizeof patella_names / sizeof patella_names[0] - 1;   /* one may have been taken out */
}

enum upload_tool upload_find_tool(const char *const *folded, size_t count)
{
    if (has(folded, count, "studysubjectid") && has_any(folded, count, libreclinica_names))
        return UPLOAD_LIBRECLINICA;
    if (has(folded, count, "field_name") && has(folded, count, "value") && has_any(folded, count, redcap_records))
        return UPLOAD_REDCAP_EAV;
    if (has(folded, count, "castorparticipantid")
        || (has(folded, count, "participantid") && has_any(folded, count, castor_names)))
        return UPLOAD_CASTOR;
    if (has(folded, count, "key") && has_any(folded, count, odk_names))
        return UPLOAD_ODK;
    if (is_patella(folded, count))
        return UPLOAD_PATELLA;
    return is_redcap(folded, count) ? UPLOAD_REDCAP : UPLOAD_BY_HAND;
}

const char *upload_tool_title(enum upload_tool tool)
{
    switch (tool) {
    case UPLOAD_BY_HAND: break;
    case UPLOAD_REDCAP: return "REDCap";
    case UPLOAD_REDCAP_EAV: return "REDCap, a field a row";
    case UPLOAD_LIBRECLINICA: return "LibreClinica";
    case UPLOAD_CASTOR: return "Castor";
    case UPLOAD_ODK: return "ODK Central";
    case UPLOAD_PATELLA: return "Patella";
    }
    return "no tool that is known";
}

static const char *const redcap_own[] = {"redcap_data_access_group", "redcap_survey_identifier", "dataaccessgroup",
                                         "surveyidentifier", "surveytimestamp", NULL};
static const char *const libreclinica_own[] = {"protocolid", "personid", "secondaryid", "subjectstatus", "sex",
                                               "gender", "dateofbirth", "yearofbirth", NULL};
static const char *const castor_own[] = {
    "participantstatus", "siteabbreviation", "randomizationid", "randomizationgroup", "randomizedon", "randomizedby",
    "participantcreationdate", "participantcreatedby", "surveycompletedon", "surveypackageid", "surveypackagename",
    "surveyinstanceid", "surveyparentid", "surveycreationdate", "surveyprogress", "repeatingdataid",
    "repeatingdataname", "repeatingdatacreationdate", "repeatingdataparent", "repeatingdataparentid", "customname",
    NULL};
static const char *const odk_own[] = {
    "submissiondate", "key", "parent_key", "submitterid", "submittername", "attachmentspresent",
    "attachmentsexpected", "deviceid", "edits", "formversion", "start", "end", "username", "phonenumber", "simserial",
    "subscriberid", "audit", "__id", "__system", NULL};

static bool is_among(const char *folded, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, folded) == 0)
            return true;
    return false;
}

bool upload_is_administrative(enum upload_tool tool, const char *folded)
{
    switch (tool) {
    case UPLOAD_REDCAP:
    case UPLOAD_REDCAP_EAV: return is_among(folded, redcap_own) || ends_with(folded, "_timestamp");
    case UPLOAD_LIBRECLINICA: return is_among(folded, libreclinica_own);
    case UPLOAD_CASTOR: return is_among(folded, castor_own);
    case UPLOAD_ODK: return is_among(folded, odk_own) || begins_with(folded, "meta-") || begins_with(folded, "meta/");
    case UPLOAD_BY_HAND:
    case UPLOAD_PATELLA: break;
    }
    return false;
}
