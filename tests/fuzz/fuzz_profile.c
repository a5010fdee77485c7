/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a site profile of the demo study: refused with faults that can be shown, or a profile that reads the
 * same a second time and with which a header of its own columns is planned.  The lines of the input as the names of a
 * header without a profile: refused with a finding, or a plan whose indices lie in its forms.
 */
#define FUZZ_TARGET fuzz_profile
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/upload_plan.h"

enum { CELLS_MOST = 30 };         /* hints for unknown ones cost time */

static const struct catalogue *demo_study(void)
{
    static const struct catalogue *catalogue;
    struct error error = {0};
    if (catalogue == NULL)
        catalogue =
            catalogue_load(memory_owner(NULL, "demo"), "forms/protocols/demo.yaml", "forms/instruments", &error);
    FUZZ_REQUIRE_WITH(catalogue != NULL, error.message);
    return catalogue;
}

static void require_faults(const struct faults *faults)
{
    FUZZ_REQUIRE(faults->count > 0);
    for (size_t i = 0; i < faults->count; i++) {
        const char *text = faults->faults[i].text;
        FUZZ_REQUIRE(text[0] != '\0' && text_is_utf8(text, strlen(text)));
    }
}

static void require_column(const struct upload_column *column)
{
    FUZZ_REQUIRE(column->name != NULL && column->hint != NULL);
    FUZZ_REQUIRE((column->role == UPLOAD_UNKNOWN) == (column->hint[0] != '\0'));
    FUZZ_REQUIRE((column->role == UPLOAD_CHECKBOX) == (column->choice != NULL));
    if (column->item < 0)
        return;
    FUZZ_REQUIRE(column->form != NULL && column->id != NULL);
    FUZZ_REQUIRE((size_t)column->item
                 < (column->role == UPLOAD_SCORE ? column->form->score_count : column->form->item_count));
}

static void require_plan(const void *owner, const struct upload_profile *profile, const char *const *cells,
                         size_t count)
{
    static const struct csv_dialect dialect = {.encoding = CSV_UTF8, .delimiter = ','};
    struct csv_header header = {.cells = cells, .count = count, .line = 1};
    struct upload_findings findings = upload_findings_begin(owner);
    struct upload_plan *plan = upload_plan_make(owner, demo_study(), profile, &dialect, &header, &findings);
    FUZZ_REQUIRE((plan != NULL) == !findings.file_refused);
    for (size_t i = 0; i < findings.count; i++)
        FUZZ_REQUIRE(text_is_utf8(findings.findings[i].text, strlen(findings.findings[i].text)));
    for (size_t i = 0; plan != NULL && i < plan->column_count; i++)
        require_column(&plan->columns[i]);
}

static void require_profile(const void *owner, const struct upload_profile *profile)
{
    struct faults faults = faults_begin(owner);
    const struct upload_profile *again = upload_profile_parse(owner, "fuzz.yaml", profile->canonical,
                                                              strlen(profile->canonical), demo_study(), &faults);
    FUZZ_REQUIRE(again != NULL && faults.count == 0);
    FUZZ_REQUIRE(again->column_count == profile->column_count && again->version == profile->version);
    const char *cells[CELLS_MOST];
    size_t count = 0;
    for (; count < profile->column_count && count < CELLS_MOST; count++)
        cells[count] = profile->columns[count].column;
    require_plan(owner, profile, cells, count);
}

static void require_header(const void *owner, const uint8_t *data, size_t size)
{
    const char *cells[CELLS_MOST];
    size_t count = 0;
    if (!text_is_utf8((const char *)data, size))
        return;
    char *text = memory_copy_bytes(owner, data, size);
    for (char *line = strtok(text, "\n"); line != NULL && count < CELLS_MOST; line = strtok(NULL, "\n"))
        cells[count++] = line;
    require_plan(owner, NULL, cells, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    struct faults faults = faults_begin(owner);
    const struct upload_profile *profile =
        upload_profile_parse(owner, "fuzz.yaml", (const char *)data, size, demo_study(), &faults);
    if (profile != NULL)
        require_profile(owner, profile);
    else
        require_faults(&faults);
    require_header(owner, data, size);
    talloc_free(owner);
    return 0;
}
