/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/problem_details.h"

#include <string.h>

struct status_title {
    int status;
    const char *title;
};

static const struct status_title titles[] = {
    {400, "The request cannot be read"},
    {401, "A valid token is needed"},
    {403, "Not allowed"},
    {404, "Not found"},
    {405, "Method not allowed"},
    {408, "The request took too long"},
    {409, "In conflict with what is stored"},
    {410, "Gone"},
    {411, "The length of the body is missing"},
    {412, "Another version of the protocol is needed"},
    {413, "The body is too large"},
    {414, "The address is too long"},
    {415, "Wrong content type"},
    {422, "The submission was refused"},
    {423, "Locked"},
    {429, "Too many requests"},
    {431, "The head of the request is too large"},
    {460, "The checksum does not fit"},
    {500, "An error of the collector"},
    {501, "Not supported"},
    {503, "Not available now"},
    {505, "HTTP version not supported"},
};

struct refusal {
    const char *code;
    int status;
    const char *text;
};

/* Every code that api.submit_batch refuses a row with, and what the sender can do about it. */
static const struct refusal refusals[] = {
    {"no_session", 401, "the token is not valid any more; ask the administrator for a new one"},
    {"not_allowed", 403,
     "the token does not allow this submission; ask the administrator for the right to do it"},
    {"unknown_subject", 422,
     "there is no such subject at your sites; enrol the subject first, or correct the number"},
    {"subject_exists", 409,
     "a subject with this number is enrolled already; choose the next free number, or correct the "
     "enrolment with a new version"},
    {"record_exists", 409,
     "this record has been submitted already; read it and send a correction as its next version, "
     "or choose another instance"},
    {"version_conflict", 409,
     "the version does not follow the newest version of the record; read the record again and "
     "send the correction as its next version"},
    {"uuid_reused", 409, "another submission has this id already; make a new UUID for every new version"},
    {"record_void", 409,
     "the record is void already; enter it anew with its next version, with a reason"},
    {"subject_has_records", 409,
     "the subject has other records, so that its enrolment cannot be void; void the other records first"},
    {"subject_locked", 423, "the subject is locked; ask the administrator to unlock the subject"},
    {"study_frozen", 423, "the study is frozen and takes no submissions"},
    {"unknown_form", 422, "the study does not have this form in this version; read the list of forms again"},
    {"reason_missing", 422,
     "a correction needs a reason for change of at least 5 characters that are not blank"},
    {"continues_unknown", 422, "the subject that this enrolment continues is not known; correct `continues`"},
    {"query_state", 409, "the query is answered or closed already, or still open; read the query again"},
    {"query_of_another", 403, "a monitor closes and reopens only queries of his own; ask the data manager"},
    {"not_verified", 409, "this version is not marked as verified, so that there is no mark to withdraw"},
    {"superseded", 409,
     "a newer version of the record is stored; read the record again and "
     "take the newest one"},
    {"not_confirmed", 403,
     "give password and second factor again, and sign within ten minutes; a "
     "token of a program cannot sign"},
    {"content_differs", 409,
     "the version has another content than the one that was to be signed; "
     "read it again"},
    {"not_masked", 409, "the study is not masked, so that there is nothing to be unblinded"},
    {"not_approved", 403,
     "no request for unblinding of this number was approved within seven days; ask for it, and have the "
     "administrator approve it"},
    {"request_expired", 409, "the request is older than ten minutes; ask again, with a new request"},
    {"allocation_key_missing", 503,
     "the allocation is sealed with a key that this collector does not have; take the sealed envelope of the "
     "subject, and have the operator name the key's file in the setting allocation_keys"},
    {"signed_already", 409, "this account has signed this version with this meaning already"},
    {"record_locked", 423, "the record is locked; ask the data manager to unlock it"},
    {"decided_already", 409, "this has been decided already, and otherwise; read it again"},
    {"same_account", 409, "this takes two persons: the account is the one that did the first part"},
    {"no_first_entry", 409,
     "the record has not been entered yet, is void or is redacted, so that "
     "there is nothing to compare with"},
    {"other_form_version", 409,
     "the record was entered with another version of the form; enter it a "
     "second time with the same"},
    {"items_differ", 409, "the items are not exactly those that differ; read the second entry again"},
    {"result_differs", 409,
     "no next version of the record holds what was settled; send it as a "
     "submission first, and name its id"},
    {"link_sent", 410, "the answers of this link have been sent; it opens nothing any more"},
    {"subject_left", 423, "the subject has left the study, so that it is asked nothing more"},
    {"too_many_links", 409, "five links of this subject are open; revoke one of them"},
    {"account_active", 409,
     "the account may still sign in and has a role in the study: its holder sends what waits on the device"},
    {"too_many_browsers", 429,
     "this account has used too many browsers (10 new ones within a day, or 100 in all): nothing can be kept on this "
     "one without a network"},
    {"draft_changed", 409,
     "the draft was saved or dropped elsewhere since it was read; `draft` is what is stored now: take it, or save "
     "with its revision"},
    {"draft_stored", 409, "the record is stored under this id already, so that its draft has ended"},
    {"too_many_drafts", 409, "this account has 200 drafts in the study; submit or drop some of them"},
    {"too_large", 413, "the submission is too large; shorten its texts"},
    {"conflict", 503,
     "another submission of the same record was written at the same time; send the same ids again"},
    {"unavailable", 503,
     "the submission could not be stored now; nothing is acknowledged, send the same ids again"},
    {"internal", 500,
     "the submission could not be stored; nothing is acknowledged, report it with the request id"},
};

/*
 * Every code that a reply may name, in alphabetical order: the counters of /metrics have one for each.  A new
 * one goes here and into openapi.yaml; what the database refuses a row with, also into `refusals`.
 */
static const char *const codes[] = {
    "account_active", "allocation_key_missing", "bad_checksum", "bad_chunk", "bad_content_length",
    "bad_expectation", "bad_form_token", "bad_header", "bad_host", "bad_line_end", "bad_mode", "bad_name",
    "bad_origin", "bad_request_line", "bad_target", "bad_token", "bad_version", "body_not_allowed",
    "body_too_slow", "changed_since_preview", "committed", "conflict", "content_differs",
    "continues_unknown", "decided_already", "draft_changed", "draft_stored", "duplicate_header", "exists",
    "folded_header", "head_too_large", "head_too_slow", "internal", "invalid", "invalid_parameter",
    "items_differ", "later_change", "length_and_transfer_encoding", "length_required", "link_sent",
    "login_failed", "malformed", "method_not_allowed", "no_first_entry", "no_session", "no_token",
    "not_a_program", "not_allowed", "not_approved", "not_committed", "not_confirmed", "not_found",
    "not_json", "not_masked", "not_previewed", "not_receiving", "not_verified", "not_yours",
    "other_form_version", "preview_expired", "query_of_another", "query_state", "reason_missing",
    "record_exists", "record_locked", "record_void", "refused_rows", "request_expired", "result_differs",
    "same_account", "second_factor_missing", "signed_already", "study_frozen", "subject_exists",
    "subject_has_records", "subject_left", "subject_locked", "superseded", "token_wrong", "too_large",
    "too_many_browsers", "too_many_drafts", "too_many_headers", "too_many_links", "too_many_logins",
    "too_many_reports", "too_many_uploads", "transfer_encoding", "tus_version", "unavailable", "under_way",
    "unknown_form", "unknown_method", "unknown_profile", "unknown_site", "unknown_subject",
    "upload_expired", "uuid_reused", "version_conflict", "weak_password", "wrong_certificate",
    "wrong_offset", "wrong_port", "wrong_type",
};

const char *problem_details_code(size_t index)
{
    return index < sizeof codes / sizeof codes[0] ? codes[index] : NULL;
}

static const char *title_of(int status)
{
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "The request was refused";
}

static const struct refusal *find_refusal(const char *code)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (strcmp(refusals[i].code, code) == 0)
            return &refusals[i];
    return NULL;
}

int problem_details_status(const char *verdict_code)
{
    const struct refusal *refusal = find_refusal(verdict_code);
    return refusal != NULL ? refusal->status : 500;
}

const char *problem_details_text(const char *verdict_code)
{
    const struct refusal *refusal = find_refusal(verdict_code);
    return refusal != NULL ? refusal->text
                           : "the submission was refused for a reason that this program does not know";
}

static void append_problem(struct text *out, const struct problem *problem)
{
    text_append(out, "{\"item\":");
    if (problem->item != NULL)
        text_append_json(out, problem->item);
    else
        text_append(out, "null");
    text_append(out, ",\"rule\":");
    text_append_json(out, problem->rule);
    text_append(out, ",\"text\":");
    text_append_json(out, problem->text);
    text_append(out, problem->soft ? ",\"soft\":true}" : ",\"soft\":false}");
}

void problem_details_append(struct text *out, int status, const char *code, const char *detail,
                            const struct problem_list *problems)
{
    text_append_format(out, "{\"type\":\"urn:patella:problem:%s\",\"title\":", code);
    text_append_json(out, title_of(status));
    text_append_format(out, ",\"status\":%d,\"code\":", status);
    text_append_json(out, code);
    text_append(out, ",\"detail\":");
    text_append_json(out, detail);
    if (problems != NULL) {
        text_append(out, ",\"problems\":[");
        for (size_t i = 0; i < problems->count; i++) {
            if (i > 0)
                text_append(out, ",");
            append_problem(out, &problems->problems[i]);
        }
        text_append(out, "]");
    }
    text_append(out, "}");
}
