/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/casebook.h"

#include <string.h>
#include <time.h>

#include "forms/base/memory.h"
#include "forms/csv_cell.h"
#include "forms/submission.h"
#include "reports/casebook_html.h"
#include "reports/casebook_read.h"
#include "reports/format.h"
#include "reports/manifest.h"
#include "reports/render_pdf.h"
#include "reports/report.h"

/* Subjects whose trail is read at once: each time all of the site's is looked through. */
enum { BATCH = 200 };

struct made_file {
    const char *name;
    size_t size;
    char sha256[65];
};

struct casebook {
    const struct casebook_order *order;
    const struct casebook_taker *taker;
    struct casebook_source source;
    struct casebook_frame frame;
    json_t *people, *allocation;
    struct made_file *files;
    size_t file_count, file_room;
    struct casebook_entry *entries;
    size_t entry_count, entry_room;
};

static void step(const struct casebook *casebook, const char *what)
{
    if (casebook->order->step != NULL)
        casebook->order->step(what);
}

static int free_lists(struct casebook *casebook)
{
    json_decref(casebook->people);
    json_decref(casebook->allocation);
    return 0;
}

/* --- files --------------------------------------------------------------------------------------------- */

static struct made_file *new_file(struct casebook *casebook, const char *name)
{
    if (casebook->file_count == casebook->file_room) {
        casebook->file_room = casebook->file_room == 0 ? 8 : memory_size_product(casebook->file_room, 2);
        casebook->files = memory_resize_array(casebook, casebook->files, struct made_file, casebook->file_room);
    }
    struct made_file *file = &casebook->files[casebook->file_count++];
    *file = (struct made_file){.name = memory_copy_string(casebook, name)};
    return file;
}

static struct sink *begin_file(struct casebook *casebook, const char *name, struct error *error)
{
    const struct casebook_taker *taker = casebook->taker;
    return taker->begin(taker->context, name, error) ? sink_new(casebook, taker->piece, taker->context) : NULL;
}

static bool end_file(struct casebook *casebook, const char *name, struct sink *sink, struct error *error)
{
    const struct casebook_taker *taker = casebook->taker;
    struct made_file *file = new_file(casebook, name);
    bool given = sink_end(sink, &file->size, file->sha256, error);
    talloc_free(sink);
    return given && taker->end(taker->context, name, file->sha256, error);
}

static bool give_file(struct casebook *casebook, const char *name, const struct text *bytes, struct error *error)
{
    struct sink *sink = begin_file(casebook, name, error);
    if (sink == NULL)
        return false;
    text_append_bytes(sink_text(sink), bytes->bytes, bytes->length);
    return end_file(casebook, name, sink, error);
}

/* `html` as NAME.html and, when it is wanted, NAME.pdf. */
static bool give_page(struct casebook *casebook, const char *name, const struct text *html, struct error *error)
{
    void *work = memory_owner(casebook, "page");
    bool given = give_file(casebook, memory_format(work, "%s.html", name), html, error);
    if (given && (casebook->order->formats & REPORT_PDF) != 0) {
        const struct pdf_options options = {.cut_made_us = casebook->frame.dataset->cut_made_us};
        struct text *pdf = text_new(work);
        given = render_pdf(html, &options, pdf, error) &&
                give_file(casebook, memory_format(work, "%s.pdf", name), pdf, error);
    }
    talloc_free(work);
    return given;
}

/* --- casebooks ----------------------------------------------------------------------------------------- */

static void note_entry(struct casebook *casebook, const struct book *book)
{
    if (casebook->entry_count == casebook->entry_room) {
        casebook->entry_room = casebook->entry_room == 0 ? 8 : memory_size_product(casebook->entry_room, 2);
        casebook->entries =
            memory_resize_array(casebook, casebook->entries, struct casebook_entry, casebook->entry_room);
    }
    struct casebook_entry entry = casebook_count(book);
    entry.name = memory_copy_string(casebook, entry.name);
    entry.pdf = (casebook->order->formats & REPORT_PDF) != 0;
    casebook->entries[casebook->entry_count++] = entry;
}

static bool make_subject(struct casebook *casebook, int number, const json_t *trail, struct error *error)
{
    void *work = memory_owner(casebook, "subject");
    struct text *html = text_new(work);
    json_t *things = casebook_read_subject(&casebook->source, number, error);
    bool made = things != NULL;
    if (made) {
        struct book *book = book_new(work, &casebook->frame, number, things);
        step(casebook, memory_format(work, "casebook of subject %s", book->name));
        book->trail = json_object_get(trail, memory_format(work, "%d", number));
        book->study_trail = json_object_get(trail, "0");
        casebook_render(html, book);
        note_entry(casebook, book);
        made = give_page(casebook, casebook->order->subject != NULL ? "casebook" : book->name, html, error);
    }
    json_decref(things);
    talloc_free(work);
    return made;
}

static bool make_batch(struct casebook *casebook, const int *numbers, size_t count, struct error *error)
{
    json_t *trail = casebook_read_trail(&casebook->source, numbers[0], numbers[count - 1], error);
    bool made = trail != NULL;
    for (size_t i = 0; i < count && made; i++)
        made = make_subject(casebook, numbers[i], trail, error);
    json_decref(trail);
    return made;
}

static bool make_subjects(struct casebook *casebook, struct error *error)
{
    int numbers[BATCH] = {0};
    size_t count = BATCH;
    bool made = true;
    for (int after = 0; made && count == BATCH; after = numbers[BATCH - 1])
        made = casebook_list_subjects(&casebook->source, after, numbers, BATCH, &count, error) &&
               (count == 0 || make_batch(casebook, numbers, count, error));
    return made;
}

/* --- contents and manifest ----------------------------------------------------------------------------- */

struct listing {
    struct sink *sink;
    int site;
};

static bool append_version(void *context, const struct db_result *row, struct error *error)
{
    const struct listing *listing = context;
    struct text *out = sink_text(listing->sink);
    char subject[SUBJECT_TEXT_SIZE];
    (void)error;
    subject_format(listing->site, (int)db_int(row, 0, 0), subject);
    text_append(out, subject);
    for (size_t i = 1; i < db_columns(row); i++) {
        text_append(out, ",");
        csv_append_text(out, db_text(row, 0, i));
    }
    text_append(out, "\n");
    sink_step(listing->sink);
    return true;
}

static bool make_contents(struct casebook *casebook, struct error *error)
{
    struct listing listing = {begin_file(casebook, CASEBOOK_CONTENTS, error), casebook->source.site};
    if (listing.sink == NULL)
        return false;
    text_append(sink_text(listing.sink), "subject,form,knee,visit,instance,version,status,date,id,sha256,recorded_by,"
                                         "recorded_at_utc\n");
    return casebook_stream_versions(&casebook->source, append_version, &listing, error) &&
           end_file(casebook, CASEBOOK_CONTENTS, listing.sink, error);
}

static bool make_index(struct casebook *casebook, struct error *error)
{
    struct text *html = text_new(casebook);
    if (casebook->order->subject != NULL)
        return true;
    casebook_render_index(html, &casebook->frame, casebook->entries, casebook->entry_count);
    bool given = give_file(casebook, "index.html", html, error);
    talloc_free(html);
    return given;
}

static void append_source(struct text *out, const struct casebook *casebook)
{
    const struct casebook_order *order = casebook->order;
    manifest_append_source(out, casebook->frame.dataset);
    if (order->subject != NULL)
        manifest_append_pair(out, "subject", order->subject, ",\n  ");
    else
        text_append_format(out, "\"site\": %d,\n  ", casebook->frame.site);
    text_append_format(out, "\"subjects\": %zu,\n  ", casebook->entry_count);
    const char *masked = casebook->frame.withheld ? "withheld" : casebook->frame.masked ? "unmasked" : "none";
    manifest_append_pair(out, "masked", masked, ",\n  ");
    if (casebook->frame.unblinding != NULL)
        manifest_append_pair(out, "unblinding", casebook->frame.unblinding, ",\n  ");
    manifest_append_pair(out, "made_at", casebook->frame.made_at, ",\n  ");
    manifest_append_pair(out, "formats", report_format_names(out, order->formats), ",\n");
}

static bool make_manifest(struct casebook *casebook, struct error *error)
{
    struct text *out = text_new(casebook);
    text_append(out, "{\n  \"program\": {");
    manifest_append_pair(out, "name", "patella-report", ", ");
    manifest_append_pair(out, "version", PATELLA_VERSION, "},\n  ");
    manifest_append_pair(out, "kind", casebook->order->subject != NULL ? CASEBOOK_KIND : CASEBOOK_KIND_ARCHIVE,
                         ",\n  ");
    text_append_format(out, "\"libraries\": %s,\n  ", manifest_libraries(out));
    append_source(out, casebook);
    text_append(out, "  \"files\": [");
    for (size_t i = 0; i < casebook->file_count; i++) {
        const struct made_file *file = &casebook->files[i];
        manifest_append_file(out, i == 0, &(struct manifest_file){file->name, file->sha256, file->size});
    }
    text_append(out, "\n  ]\n}\n");
    return give_file(casebook, MANIFEST_FILE, out, error);
}

/* --- the beginning ------------------------------------------------------------------------------------- */

static bool refuse_subject(const struct casebook_order *order, struct error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "study \"%s\" has no subject %s at cut \"%s\"; numbers are written like "
                                             "07-0012, and a subject that was enrolled later is in later cuts only",
                     order->study, order->subject, order->cut);
}

static bool find_subject(struct casebook *casebook, struct error *error)
{
    const struct casebook_order *order = casebook->order;
    int number;
    size_t count = 0;
    if (order->subject == NULL)
        return true;
    if (!casebook_list_subjects(&casebook->source, 0, &number, 1, &count, error))
        return false;
    return count == 1 || refuse_subject(order, error);
}

static bool check_unblinding(const struct casebook *casebook, struct error *error)
{
    if (casebook->order->unblinding == NULL || casebook->frame.masked)
        return true;
    return error_set(error, ERROR_USAGE, "the study is not masked, so that there is nothing to be unblinded; leave "
                                         "--unblinding away");
}

static const char *now(const void *owner)
{
    char instant[FORMAT_SIZE];
    return memory_copy_string(owner, format_instant(instant, (int64_t)time(NULL) * 1000000));
}

static bool find_everything(struct casebook *casebook, struct error *error)
{
    const struct casebook_order *order = casebook->order;
    struct casebook_source *source = &casebook->source;
    struct casebook_frame *frame = &casebook->frame;
    struct extract_frame found;
    if (order->subject != NULL && !subject_parse(order->subject, &source->site, &source->subject))
        return refuse_subject(order, error);
    if (order->subject == NULL)
        source->site = order->site;
    if (!extract_frame(casebook, source->db, order->study, order->cut, &found, error))
        return false;
    source->study_id = found.study_id;
    source->study = order->study;
    source->cut_no = found.dataset->cut_no;
    source->unblinding = order->unblinding;
    *frame = (struct casebook_frame){
        .dataset = found.dataset,
        .masked = found.masked,
        .withheld = found.masked && order->unblinding == NULL,
        .unblinding = order->said_unblinding != NULL ? order->said_unblinding : order->unblinding,
        .made_at = order->made_at != NULL ? order->made_at : now(casebook),
        .site = source->site,
    };
    if (order->sealed != NULL)
        found.dataset->cut_sealed = *order->sealed;
    if (casebook->taker->cut_made_us != NULL)
        *casebook->taker->cut_made_us = found.dataset->cut_made_us;
    return casebook_find_site(casebook, source, &frame->site_name, &frame->time_zone, error) &&
           find_subject(casebook, error) && check_unblinding(casebook, error);
}

static bool read_people(struct casebook *casebook, struct error *error)
{
    casebook->people = casebook_read_people(&casebook->source, error);
    casebook->frame.people = casebook->people;
    if (casebook->people == NULL || casebook->frame.withheld)
        return casebook->people != NULL;
    casebook->allocation = casebook_read_allocation(&casebook->source, error);
    casebook->frame.allocation = casebook->allocation;
    return casebook->allocation != NULL;
}

static bool leave_trace(struct casebook *casebook, struct error *error)
{
    if (casebook_open(casebook, &casebook->source, error))
        return true;
    if (error->kind != ERROR_DENIED || casebook->order->unblinding == NULL)
        return false;
    return error_set(error, ERROR_DENIED,
                     "no request for unblinding %s was approved within seven days; ask for one and have it approved "
                     "through the API, or leave --unblinding away", casebook->order->unblinding);
}

bool casebook_make(struct db *db, const struct casebook_order *order, const struct casebook_taker *taker,
                   struct error *error)
{
    struct casebook *casebook = memory_new(NULL, struct casebook);
    casebook->order = order;
    casebook->taker = taker;
    casebook->source.db = db;
    talloc_set_destructor(casebook, free_lists);
    bool made = find_everything(casebook, error) && leave_trace(casebook, error) && read_people(casebook, error) &&
                make_subjects(casebook, error) && make_index(casebook, error) && make_contents(casebook, error) &&
                make_manifest(casebook, error);
    talloc_free(casebook);
    return made;
}
