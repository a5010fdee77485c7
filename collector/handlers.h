/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handlers of the JSON API, one for each row of the route table that is not the server's own. */
#ifndef PATELLA_HANDLERS_H
#define PATELLA_HANDLERS_H

#include "collector/exchange.h"
#include "forms/allocation_seal.h"

/* What handle_reveal_allocation opens sealed cohorts with; before the first request.  NULL: nothing. */
void handlers_use_allocation_keys(const struct allocation_keys *keys);

route_handler handle_openapi;
route_handler handle_me;
route_handler handle_list_studies;
route_handler handle_show_study;
route_handler handle_list_forms;
route_handler handle_show_form;
route_handler handle_list_subjects;
route_handler handle_show_subject;
route_handler handle_submit;
route_handler handle_list_submissions;
route_handler handle_show_submission;
route_handler handle_list_adverse_events;
route_handler handle_list_cuts;
route_handler handle_make_cut;
route_handler handle_list_reports;
route_handler handle_request_report;
route_handler handle_show_report;
route_handler handle_download_file;
route_handler handle_list_queries;
route_handler handle_open_query;
route_handler handle_show_query;
route_handler handle_answer_query;
route_handler handle_close_query;
route_handler handle_reopen_query;
route_handler handle_list_verifications;
route_handler handle_verify_version;
route_handler handle_withdraw_verification;
route_handler handle_list_signatures;
route_handler handle_sign;
route_handler handle_receive_upload;
route_handler handle_append_upload;
route_handler handle_show_upload_offset;
route_handler handle_delete_upload;
route_handler handle_upload_options;
route_handler handle_list_locks;
route_handler handle_lock_record;
route_handler handle_unlock_record;
route_handler handle_lock_subject;
route_handler handle_unlock_subject;
route_handler handle_freeze_study;
route_handler handle_unfreeze_study;
route_handler handle_list_redactions;
route_handler handle_ask_redaction;
route_handler handle_approve_redaction;
route_handler handle_decline_redaction;
route_handler handle_list_second_entries;
route_handler handle_show_second_entry;
route_handler handle_enter_second;
route_handler handle_reconcile;

/* handlers_unblinding.c */
route_handler handle_list_unblindings;
route_handler handle_request_unblinding;
route_handler handle_approve_unblinding;
route_handler handle_request_emergency;
route_handler handle_reveal_allocation;
route_handler handle_log_in;
route_handler handle_show_session;
route_handler handle_log_out;
route_handler handle_confirm_session;
route_handler handle_accept_invitation;
route_handler handle_confirm_invitation;
route_handler handle_list_memberships;
route_handler handle_add_membership;
route_handler handle_end_membership;
route_handler handle_disable_account;
route_handler handle_list_invitations;
route_handler handle_add_invitation;
route_handler handle_end_invitation;
route_handler handle_list_notices;
route_handler handle_list_audit;
route_handler handle_review_audit;
route_handler handle_list_reviews;
route_handler handle_conclude_review;
route_handler handle_export;

/* handlers_setup.c */
route_handler handle_list_tokens;
route_handler handle_add_token;
route_handler handle_revoke_token;
route_handler handle_list_protocols;
route_handler handle_list_sites;
route_handler handle_list_certificates;

/* handlers_desk.c, handlers_schedule.c */
route_handler handle_list_worklist;
route_handler handle_list_schedule;
route_handler handle_show_subject_schedule;

/* handlers_uploads.c */
route_handler handle_list_uploads;
route_handler handle_show_upload;
route_handler handle_list_upload_rows;
route_handler handle_download_refused;
route_handler handle_commit_upload;
route_handler handle_take_back_upload;

/* handlers_web.c */
route_handler handle_web_file;
/* handlers_drafts.c */
route_handler handle_list_drafts;
route_handler handle_show_draft;
route_handler handle_put_draft;
route_handler handle_drop_draft;

/* handlers_offline.c */
route_handler handle_offline_key;
route_handler handle_release_offline_key;

/* handlers_participant.c */
route_handler handle_list_participant_links;
route_handler handle_add_participant_link;
route_handler handle_revoke_participant_link;
route_handler handle_show_participant;
route_handler handle_put_participant;
route_handler handle_submit_participant;

/* handlers_profiles.c */
route_handler handle_list_profiles;
route_handler handle_show_profile;
route_handler handle_add_profile;

#endif
