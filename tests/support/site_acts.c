/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/site_acts.h"

#include "tests/support/likeness.h"
#include "tests/support/people.h"

#define S "/api/v1/studies/$study"
#define U "/api/v1/uploads"
#define ID(n) LIKENESS_OWN_ID "8a9b-0000000000" n
#define SUBJECT(n) "\"subject\":\"$site-" n "\""
#define ENROL(id, n) \
    "{\"id\":\"" ID(id) "\"," SUBJECT( \
        n) ",\"form\":\"enrolment\",\"form_version\":1,\"date\":\"2024-02-01\"," \
           "\"answers\":{\"index_knee\":\"right\"}}"
#define PAIN(id, n, vas, more) \
    "{\"id\":\"" ID(id) "\"," SUBJECT( \
        n) ",\"form\":\"pain_vas\",\"form_version\":1,\"knee\":\"right\"," \
           "\"visit\":\"BL\",\"date\":\"2024-02-02\",\"answers\":{\"vas\":\"" vas "\"}" more "}"
#define EVENT(id, n, instance, more) \
    "{\"id\":\"" ID(id) "\"," SUBJECT( \
        n) ",\"form\":\"adverse_event\",\"form_version\":1,\"date\":\"2024-03-01\"," \
           "\"instance\":" instance ",\"answers\":{\"term\":\"fall\",\"onset\":\"2024-02\"," more "}}"
#define SERIOUS "\"serious\":true,\"serious_hospitalisation\":true"
#define QUERY(id, n) \
    "{\"query\":\"" ID(id) "\"," SUBJECT(n) ",\"form\":\"pain_vas\",\"knee\":\"right\",\"visit\":\"BL\"," \
                                            "\"item\":\"vas\",\"text\":\"in the source?\"}"
#define WORDS "{\"text\":\"as the source says\"}"
#define REASON "{\"reason\":\"data are clean\"}"
#define REQUEST(id) "{\"request\":\"" ID(id) "\",\"reason\":\"an emergency\"}"
#define REDACTION(id) "{\"redaction\":\"" ID(id) "\",\"reason\":\"a name in it\"}"
#define GET(of) {.method = "GET", .path = of}
#define LIST(of) {.method = "GET", .path = of, .pages = true}
#define POST(to, sent) {.method = "POST", .path = to, .body = sent}
#define LOCAL(to, sent) {.method = "POST", .path = to, .body = sent, .local = true}
#define UPLOAD(query, rows) \
    {.method = "POST", \
     .path = U "?study=$study" query, \
     .body = "subject,knee,visit,date,vas,reason\n" rows, \
     .type = "text/csv", \
     .save = "upload=id preview=preview.token"}
#define LINK(n) "{" SUBJECT(n) ",\"form\":\"pain_vas\",\"knee\":\"right\",\"visit\":\"M6\",\"days\":9}"
#define DRAFT(there, id, n, revision) \
    {.method = "PUT", \
     .path = S "/drafts/" ID(id), \
     .body = "{" SUBJECT(n) ",\"knee\":\"right\",\"form\":\"pain_vas\",\"form_version\":1,\"visit\":\"M3\"," \
                         "\"instance\":1,\"version\":1,\"answers\":{\"vas\":\"1\"},\"revision\":" revision "}", \
     .where = there}
#define AT_OTHERS(to, sent) {.method = "POST", .path = to, .body = sent, .where = AWAY}

const struct act site_acts[] = {
    {.method = "GET", .path = "/healthz", .by = "-"},
    {.method = "GET", .path = "/readyz", .by = "-"},
    {.method = "GET", .path = "/", .by = "-", .where = HOME},
    {.method = "GET", .path = "/participant", .by = "-", .where = HOME},
    {.method = "GET", .path = "/service_worker.js", .by = "-", .where = HOME},
    {.method = "GET", .path = "/app/main.js", .by = "-", .where = HOME},
    {.method = "GET", .path = "/app/vendor/htm.js", .by = "-", .where = HOME},
    {.method = "GET", .path = "/app/vendor/licenses/htm.txt", .by = "-", .where = HOME},
    {.method = "GET", .path = "/api/v1/openapi.yaml", .by = "-", .where = HOME},
    GET("/api/v1/me"),
    GET("/api/v1/studies"),
    GET(S),
    GET(S "/forms"),
    GET(S "/forms/koos"),
    GET(S "/forms/koos?version=1"),
    GET(S "/forms/koos?language=de"),
    GET(S "/forms/nothing"),
    GET("/api/v1/studies/nowhere"),

    POST(S "/submissions", ENROL("01", "0001")),
    POST(S "/submissions", ENROL("02", "0002")),
    POST(S "/submissions", ENROL("02", "0005")),
    POST(S "/submissions", PAIN("03", "0001", "10.5", "")),
    POST(S "/submissions", PAIN("04", "0001", "20.5", ",\"version\":2,\"reason\":\"read wrongly\"")),
    POST(S "/submissions", PAIN("05", "0002", "30.5", "")),
    POST(S "/submissions", PAIN("06", "0002", "500", "")),
    POST(S "/submissions", EVENT("07", "0001", "1", SERIOUS)),
    POST(S "/submissions", EVENT("08", "0001", "2", "\"serious\":false")),
    POST(S "/submissions", EVENT("09", "0002", "1", SERIOUS)),
    AT_OTHERS(S "/submissions", ENROL("90", "0003")),
    AT_OTHERS(S "/submissions", ENROL("91", "0004")),
    AT_OTHERS(S "/submissions", PAIN("92", "0003", "40.5", "")),
    AT_OTHERS(S "/submissions", EVENT("93", "0003", "1", SERIOUS)),
    AT_OTHERS(S "/submissions", EVENT("94", "0004", "1", SERIOUS)),
    AT_OTHERS(S "/queries", QUERY("95", "0003")),
    AT_OTHERS(S "/submissions/" ID("92") "/lock", REASON),
    AT_OTHERS(S "/subjects/$site-0004/lock", REASON),
    AT_OTHERS(S "/submissions/" ID("93") "/redact", REDACTION("96")),
    {.method = "POST",
     .path = S "/second-entries",
     .body = PAIN("97", "0003", "50.5", ""),
     .by = "c",
     .where = AWAY},
    {.method = "POST", .path = S "/submissions/" ID("92") "/verify", .body = "{}", .where = AWAY},
    {.method = "SQL", .path = "SELECT admin.allocate('$study', '{$n}', '{1}', '{none}', '{AD-MSC}', NULL)"},

    /* What only others have, and what is at the neighbour site. */
    LOCAL(S "/submissions", PAIN("10", "0003", "10.5", "")),
    LOCAL(S "/queries", QUERY("11", "0003")),
    GET(S "/subjects/$site-0003"),
    GET(S "/subjects/$other-0001"),
    GET(S "/subjects/$other-0003"),
    GET(S "/submissions/" ID("92")),
    GET(S "/queries/" ID("95")),
    GET(S "/second-entries/" ID("97")),
    GET(S "/submissions?subject=$other-0001"),
    GET(S "/queries?subject=$other-0001"),
    GET(S "/adverse-events?subject=$other-0001"),
    GET(S "/locks?subject=$other-0003"),
    GET(S "/second-entries?subject=$other-0001"),
    GET(S "/signatures?subject=$other-0001"),
    GET(S "/verifications?subject=$other-0001"),
    GET(S "/redactions?subject=$other-0003"),
    GET(S "/audit?subject=$other-0001"),
    GET(S "/submissions?after=$n." ID("92")),
    GET(S "/subjects/$site-0003/schedule"),
    GET(S "/subjects/$other-0001/schedule"),
    GET(S "/schedule?site=$n"),
    GET(S "/worklist?site=$n"),
    GET(S "/queries?after=$n." ID("95")),
    LOCAL(S "/submissions/" ID("92") "/lock", REASON),
    LOCAL(S "/subjects/$site-0004/unlock", REASON),
    LOCAL(S "/subjects/$other-0001/lock", REASON),
    LOCAL(S "/submissions/" ID("92") "/verify", "{}"),
    LOCAL(S "/submissions/" ID("93") "/redact", REDACTION("12")),
    LOCAL(S "/redactions/" ID("96") "/approve", "{}"),
    LOCAL(S "/queries/" ID("95") "/answer", WORDS),
    LOCAL(S "/queries/" ID("95") "/close", WORDS),
    LOCAL(S "/submissions/" ID("92") "/sign", "{\"signature\":\"" ID("13") "\",\"sha256\":\"$none64\","
                                                                          "\"meaning\":\"review\"}"),
    LOCAL(S "/second-entries/" ID("97") "/reconcile", "{\"items\":[{\"item\":\"vas\",\"choice\":\"first\"}]}"),
    LOCAL(S "/subjects/$other-0001/unblindings", REQUEST("14")),
    LOCAL(S "/subjects/$site-0003/unblindings", REQUEST("14")),
    LOCAL(S "/subjects/$other-0001/unblindings/" ID("71") "/reveal", "{}"),
    {.method = "POST",
     .path = S "/submissions",
     .where = HOME,
     .body = "{\"id\":\"" ID(
         "15") "\",\"subject\":\"$other-0001\",\"form\":\"pain_vas\",\"form_version\":1,"
               "\"knee\":\"right\",\"visit\":\"BL\",\"date\":\"2024-02-02\",\"answers\":{\"vas\":\"1\"}}",
     .by = "dcim"},
    LOCAL(S "/submissions",
         "[" PAIN("16", "0004", "1.5", "") "," EVENT("17", "0001", "3", "\"serious\":false") "]"),

    POST(S "/queries", QUERY("20", "0001")),
    {.method = "POST", .path = S "/queries", .body = QUERY("21", "0002"), .by = "o"},
    {.method = "POST", .path = S "/queries", .body = QUERY("22", "0002"), .by = "i"},
    POST(S "/queries/" ID("20") "/answer", WORDS),
    POST(S "/queries/" ID("21") "/close", WORDS),
    POST(S "/queries/" ID("21") "/reopen", WORDS),
    GET(S "/queries/" ID("20")),
    POST(S "/submissions/" ID("03") "/verify", "{}"),
    POST(S "/submissions/" ID("04") "/verify", "{}"),
    POST(S "/submissions/" ID("05") "/verify", "{}"),
    POST(S "/submissions/" ID("05") "/withdraw-verification", REASON),
    {.method = "GET", .path = S "/submissions/" ID("04"), .save = "sha256=sha256"},
    POST(S "/submissions/" ID("04") "/sign", "{\"signature\":\"" ID("30") "\",\"sha256\":\"$sha256\","
                                                                          "\"meaning\":\"approval\"}"),
    POST(S "/submissions/" ID("05") "/lock", REASON),
    POST(S "/submissions", PAIN("31", "0002", "33.5", ",\"version\":2,\"reason\":\"read wrongly\"")),
    POST(S "/submissions/" ID("05") "/unlock", REASON),
    POST(S "/submissions/" ID("04") "/lock", REASON),
    POST(S "/subjects/$site-0001/lock", REASON),
    POST(S "/submissions", EVENT("32", "0001", "4", SERIOUS)),
    POST(S "/subjects/$site-0001/unlock", REASON),
    {.method = "POST", .path = S "/freeze", .body = REASON, .where = HOME},
    POST(S "/submissions", ENROL("33", "0006")),
    {.method = "POST", .path = S "/unfreeze", .body = REASON, .where = HOME},
    POST(S "/submissions/" ID("07") "/redact", REDACTION("40")),
    POST(S "/submissions/" ID("08") "/redact", REDACTION("41")),
    {.method = "POST", .path = S "/redactions/" ID("40") "/approve", .body = "{}", .by_office = true},
    {.method = "POST", .path = S "/redactions/" ID("41") "/decline", .body = REASON, .by_office = true},
    {.method = "POST", .path = S "/second-entries", .body = PAIN("50", "0002", "31.5", "")},
    GET(S "/second-entries/" ID("50")),
    POST(S "/second-entries/" ID("50") "/reconcile", "{\"items\":[{\"item\":\"vas\",\"choice\":\"first\"}]}"),
    POST(S "/unblindings", REQUEST("70")),
    {.method = "POST", .path = S "/unblindings/" ID("70") "/approve", .body = "{}"},
    POST(S "/subjects/$site-0001/unblindings", REQUEST("71")),
    POST(S "/subjects/$site-0001/unblindings/" ID("71") "/reveal", "{}"),
    GET(S "/unblindings"),
    GET(S "/subjects/$site-0001"),
    GET(S "/subjects/$site-0002"),

    AT_OTHERS(S "/participant-links", LINK("0004")),
    {.method = "POST", .path = S "/participant-links", .body = LINK("0002"), .save = "link=id"},
    POST(S "/participant-links", LINK("0001")),
    POST(S "/participant-links", LINK("0009")),
    LIST(S "/participant-links?limit=1"),
    GET(S "/participant-links?subject=$other-0001"),
    {.method = "DELETE", .path = S "/participant-links/$link"},
    GET(S "/participant-links?state=revoked"),
    DRAFT(AWAY, "b8", "0003", "0"),
    DRAFT(ANYWHERE, "98", "0001", "0"),
    DRAFT(ANYWHERE, "98", "0001", "0"),
    DRAFT(ANYWHERE, "98", "0001", "1"),
    DRAFT(ANYWHERE, "98", "0001", "1"),
    DRAFT(ANYWHERE, "99", "0002", "0"),
    GET(S "/drafts/" ID("98")),
    GET(S "/drafts?limit=1"),
    GET(S "/drafts?subject=$other-0001"),
    {.method = "DELETE", .path = S "/drafts/" ID("99")},

    LIST(S "/subjects?limit=1"),
    LIST(S "/submissions?limit=2"),
    LIST(S "/submissions?limit=3&versions=all"),
    LIST(S "/submissions?limit=1&form=pain_vas"),
    LIST(S "/submissions?limit=2&visit=BL"),
    LIST(S "/adverse-events?limit=1"),
    LIST(S "/queries?limit=1"),
    LIST(S "/verifications?limit=1"),
    LIST(S "/signatures?limit=1"),
    LIST(S "/locks?limit=1"),
    LIST(S "/redactions?limit=1"),
    LIST(S "/second-entries?limit=1"),
    LIST(S "/notices?limit=1"),
    LIST(S "/worklist?limit=1"),
    LIST(S "/worklist?limit=2&visit=BL"),
    LIST(S "/schedule?limit=1"),
    GET(S "/worklist?kind=query"),
    GET(S "/schedule?q=000"),
    GET(S "/schedule?state=screened"),
    GET(S "/subjects/$site-0001/schedule"),
    GET(S "/queries?state=open"),
    GET(S "/signatures?state=current"),
    GET(S "/locks?state=locked"),
    GET(S "/redactions?state=approved"),
    GET(S "/second-entries?state=reconciled"),
    GET(S "/verifications?state=withdrawn"),
    GET(S "/queries?subject=$site-0001"),
    GET(S "/submissions?limit=0"),
    GET(S "/submissions?subject=$site-0001"),
    GET(S "/subjects?after=$site-0001"),

    {.method = "POST", .path = S "/cuts", .body = "{\"label\":\"first\"}", .save = "cut=cut", .where = HOME},
    {.method = "POST",
     .path = S "/cuts",
     .body = "{\"label\":\"of others\"}",
     .save = "cut=cut",
     .where = AWAY},
    GET(S "/cuts"),
    GET(S "/export?cut=$cut"),
    GET(S "/export?cut=999"),
    GET(S "/submissions?cut=$cut"),
    GET(S "/adverse-events?cut=$cut"),
    {.method = "POST", .path = S "/reports", .body = "{\"cut\":$cut}", .save = "report=report"},
    {.method = "REPORT"},
    GET(S "/reports"),
    GET(S "/reports/$report"),
    GET(S "/reports/$report/files/report.html"),

    {.method = "POST",
     .path = S "/memberships",
     .body = "{\"account\":\"new-$study$n\",\"full_name\":\"New\",\"role\":\"monitor\",\"sites\":[$n]}"},
    {.method = "POST",
     .path = S "/invitations",
     .body = "{\"account\":\"new-$study$n\"}",
     .save = "invited=token"},
    {.method = "POST",
     .path = "/api/v1/invitations/$invited",
     .body = "{\"password\":\"" PEOPLE_PASSWORD "\"}",
     .by = "-",
     .save = "secret=totp_secret recovery=recovery_codes.0"},
    {.method = "POST",
     .path = "/api/v1/invitations/$invited/confirm",
     .body = "{\"code\":\"$code\"}",
     .by = "-"},
    {.method = "POST",
     .path = "/api/v1/session",
     .by = "-",
     .save = "session=token",
     .body = "{\"account\":\"new-$study$n\",\"password\":\"" PEOPLE_PASSWORD
             "\",\"recovery_code\":\"$recovery\"}"},
    {.method = "POST",
     .path = "/api/v1/session/confirm",
     .by = "p",
     .save = "session=token",
     .body = "{\"password\":\"" PEOPLE_PASSWORD "\",\"code\":\"$code\"}"},
    {.method = "POST", .path = "/api/v1/session/offline-key", .by = "p", .body = "{\"browser\":\"" ID("b1") "\"}"},
    {.method = "GET", .path = "/api/v1/session", .by = "p"},
    {.method = "GET", .path = "/api/v1/studies", .by = "p"},
    {.method = "GET", .path = S "/subjects", .by = "p"},
    {.method = "GET", .path = S "/audit", .by = "p"},
    {.method = "DELETE", .path = "/api/v1/session", .by = "p"},
    {.method = "GET", .path = "/api/v1/session", .by = "p"},
    GET(S "/memberships"),
    {.method = "POST",
     .path = S "/invitations",
     .body = "{\"account\":\"new-$study$n\"}",
     .save = "number=invitation"},
    GET(S "/invitations"),
    {.method = "DELETE", .path = S "/invitations/$number"},
    {.method = "DELETE", .path = S "/memberships/new-$study$n"},
    POST(S "/offline-keys/release",
         "{\"browser\":\"" ID("b1") "\",\"account\":\"new-$study$n\",\"reason\":\"left the clinic\"}"),
    {.method = "POST",
     .path = S "/memberships",
     .body = "{\"account\":\"gone-$study$n\",\"full_name\":\"Gone\",\"role\":\"monitor\",\"sites\":[$n]}"},
    {.method = "DELETE", .path = S "/accounts/gone-$study$n"},

    GET(S "/tokens"),
    {.method = "POST",
     .path = S "/tokens",
     .body = "{\"account\":\"device-$study$n\",\"full_name\":\"Machine\",\"role\":\"site_machine\","
             "\"sites\":[$n]}",
     .save = "number=number"},
    {.method = "POST",
     .path = S "/tokens",
     .body = "{\"account\":\"device-$study$n\",\"role\":\"site_machine\",\"sites\":[$n],\"days\":7}"},
    POST(S "/tokens", "{\"account\":\"gone-$study$n\",\"role\":\"site_machine\",\"sites\":[$n]}"),
    {.method = "DELETE", .path = S "/tokens/$number"},
    GET(S "/protocols"),
    GET(S "/sites"),
    GET(S "/certificates"),

    {.method = "POST",
     .path = S "/upload-profiles?site=$n",
     .body = "profile: plain\nversion: 1\ndates: dmy\n",
     .type = "application/yaml"},
    GET(S "/upload-profiles"),
    GET(S "/upload-profiles/plain?site=$n"),
    GET(S "/upload-profiles/other"),
    UPLOAD("&site=$n&form=pain_vas&name=no.csv", "$other-0001,right,BL,2024-02-02,1.5,\n"),
    UPLOAD("&site=$n&form=pain_vas&name=rows.csv", "$site-0003,right,BL,2024-02-02,1.5,\n"
                                                  "$site-0002,right,BL,2024-02-02,37.5,read anew\n"
                                                  "$site-0002,left,BL,2024-02-02,500,\n"),
    GET(U "/$upload?study=$study"),
    GET(U "/$upload/rows?study=$study"),
    GET(U "/$upload/refused?study=$study"),
    LOCAL(U "/$upload_me/commit?study=$study", "{\"token\":\"$preview_me\",\"mode\":\"all-or-nothing\"}"),
    POST(U "/$upload_me/commit?study=$study", "{\"token\":\"$preview_me\",\"mode\":\"good-rows\"}"),
    GET(U "/$upload?study=$study"),
    POST(U "/$upload_me/take-back?study=$study", REASON),
    LIST(U "?study=$study&limit=2"),
    GET(U "?study=$study&site=$n"),
    GET(U "?study=$study&state=taken_back"),

    GET(S "/audit"),
    LIST(S "/audit?limit=20"),
    LIST(S "/audit?limit=11&operation=INSERT"),
    GET(S "/audit?format=csv"),
    GET(S "/audit?format=jsonl"),
    GET(S "/audit?object=core.submission"),
    GET(S "/audit?subject=$site-0001"),
    GET(S "/audit?account=nobody"),
    GET(S "/audit?operation=REFUSE"),
    {.method = "GET", .path = S "/audit/review?kind=late_entries&days=3", .save = "review=review"},
    GET(S "/audit/review?kind=bulk_edits&changes=2"),
    GET(S "/audit/review?kind=out_of_hours&opens=23&closes=24"),
    GET(S "/audit/review?kind=accounts"),
    GET(S "/audit/review?kind=late_entries&limit=1&days=0"),
    POST(S "/audit/reviews/$review_me", "{\"conclusion\":\"nothing odd\"}"),
    GET(S "/audit/reviews"),

    /* At last what the others took first: the ids and numbers are free here. */
    LOCAL(S "/submissions", ENROL("90", "0003")),
    LOCAL(S "/submissions", PAIN("92", "0003", "40.5", "")),
    LOCAL(S "/queries", QUERY("95", "0003")),
    GET(S "/submissions/" ID("92")),
};

const size_t site_act_count = sizeof site_acts / sizeof site_acts[0];
