/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/catalogues.h"

#include <pthread.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/faults.h"
#include "forms/wording.h"
#include "forms/yaml.h"

struct snapshot {
    struct catalogues catalogues;   /* first: what others hold is a pointer to it */
    size_t holders;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;           /* one holder is `current` itself */
static int64_t unreadable_version = -1;    /* catalogue version that did not parse, -1 when none */

/* ---- holding ---- */

const struct catalogues *catalogues_hold(void)
{
    pthread_mutex_lock(&mutex);
    struct snapshot *snapshot = current;
    if (snapshot != NULL)
        snapshot->holders++;
    pthread_mutex_unlock(&mutex);
    return snapshot != NULL ? &snapshot->catalogues : NULL;
}

static void release(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    pthread_mutex_lock(&mutex);
    bool last = --snapshot->holders == 0;
    pthread_mutex_unlock(&mutex);
    if (last)
        talloc_free(snapshot);
}

void catalogues_release(const struct catalogues *catalogues)
{
    release((struct snapshot *)(uintptr_t)catalogues);
}

static void publish(struct snapshot *snapshot)
{
    pthread_mutex_lock(&mutex);
    struct snapshot *old = current;
    current = snapshot;
    unreadable_version = -1;
    pthread_mutex_unlock(&mutex);
    release(old);
}

void catalogues_clear(void)
{
    publish(NULL);
}

bool catalogues_ready(void)
{
    pthread_mutex_lock(&mutex);
    bool ready = current != NULL && unreadable_version == -1;
    pthread_mutex_unlock(&mutex);
    return ready;
}

/* ---- loading ---- */

/* The newest protocol stands first among those of a study; NULL when the study has none. */
static const struct store_definition *newest_protocol(const struct store_catalogue *stored, int study_id)
{
    for (size_t i = 0; i < stored->protocol_count; i++)
        if (stored->protocols[i].study_id == study_id)
            return &stored->protocols[i];
    return NULL;
}

static bool parse_forms(const void *owner, const struct store_catalogue *stored,
                        const struct store_study *study, struct catalogue *catalogue, struct error *error)
{
    const struct form **forms = memory_new_array(owner, const struct form *, stored->form_count);
    size_t count = 0;
    for (size_t i = 0; i < stored->form_count; i++) {
        const struct store_definition *definition = &stored->forms[i];
        if (definition->study_id != study->study_id)
            continue;
        char *name =
            memory_format(owner, "%s/%s.%d.yaml", study->code, definition->form, definition->version);
        forms[count] = form_parse(owner, name, definition->yaml, strlen(definition->yaml), error);
        if (forms[count] == NULL)
            return false;
        count++;
    }
    catalogue->forms = forms;
    catalogue->form_count = count;
    return true;
}

static const struct form *lay_over(const void *owner, const char *study, const struct form *form,
                                   const struct store_wording *wording, struct error *error)
{
    struct faults faults = faults_begin(owner);
    char *file = memory_format(owner, "%s/%s.%d.%s.yaml", study, wording->form, wording->version, wording->language);
    const struct yaml *root = yaml_parse(owner, file, wording->yaml, strlen(wording->yaml), error);
    const struct form *worded = root != NULL ? wording_apply(owner, form, root, &faults) : NULL;
    return root != NULL && faults_to_error(&faults, error) ? worded : NULL;
}

static bool lay_wordings(const void *owner, const struct store_catalogue *stored, const struct store_study *from,
                         struct catalogue_study *study, struct error *error)
{
    struct catalogue_wording *wordings =
        memory_new_array(owner, struct catalogue_wording, stored->wording_count);
    for (size_t i = 0; i < stored->wording_count; i++) {
        const struct store_wording *wording = &stored->wordings[i];
        if (wording->study_id != from->study_id)
            continue;
        const struct form *form = catalogue_find_form(&study->catalogue, wording->form, wording->version);
        const struct form *worded =
            form != NULL ? lay_over(owner, from->code, form, wording, error) : NULL;
        if (worded == NULL)
            return form == NULL && error_set(error, ERROR_INPUT, "study %s has a wording of form %s version %d, "
                                             "and no such form", from->code, wording->form, wording->version);
        wordings[study->wording_count++] = (struct catalogue_wording){
            .language = memory_copy_string(owner, wording->language), .base = form, .worded = worded};
    }
    study->wordings = wordings;
    return true;
}

static void copy_sites(const void *owner, const struct store_catalogue *stored, struct catalogue_study *study)
{
    struct catalogue_site *sites = memory_new_array(owner, struct catalogue_site, stored->site_count);
    for (size_t i = 0; i < stored->site_count; i++) {
        const struct store_site *site = &stored->sites[i];
        if (site->study_id != study->study_id)
            continue;
        sites[study->site_count++] = (struct catalogue_site){
            .site = site->site,
            .name = memory_copy_string(owner, site->name),
            .time_zone = memory_copy_string(owner, site->time_zone),
        };
    }
    study->sites = sites;
}

static bool load_study(const void *owner, const struct store_catalogue *stored,
                       const struct store_study *from, struct catalogue_study *study, struct error *error)
{
    const struct store_definition *newest = newest_protocol(stored, from->study_id);
    if (newest == NULL)
        return true;
    char *file = memory_format(owner, "%s/protocol.%d.yaml", from->code, newest->version);
    study->study_id = from->study_id;
    study->code = memory_copy_string(owner, from->code);
    study->title = memory_copy_string(owner, from->title);
    study->frozen = from->frozen;
    study->catalogue.study = study->code;
    study->catalogue.protocol = protocol_parse(owner, file, newest->yaml, strlen(newest->yaml), error);
    if (study->catalogue.protocol == NULL || !parse_forms(owner, stored, from, &study->catalogue, error) ||
        !lay_wordings(owner, stored, from, study, error))
        return false;
    copy_sites(owner, stored, study);
    return catalogue_check(&study->catalogue, file, error);
}

static struct snapshot *load_snapshot(const struct store_catalogue *stored, struct error *error)
{
    struct snapshot *snapshot = memory_new(NULL, struct snapshot);
    struct catalogue_study *studies = memory_new_array(snapshot, struct catalogue_study, stored->study_count);
    snapshot->catalogues.version = stored->version;
    snapshot->catalogues.studies = studies;
    snapshot->holders = 1;
    for (size_t i = 0; i < stored->study_count; i++) {
        struct catalogue_study *study = &studies[snapshot->catalogues.study_count];
        if (!load_study(snapshot, stored, &stored->studies[i], study, error)) {
            talloc_free(snapshot);
            return NULL;
        }
        snapshot->catalogues.study_count += study->code != NULL;   /* left out while it has no protocol */
    }
    return snapshot;
}

static void remember_unreadable(int64_t version)
{
    pthread_mutex_lock(&mutex);
    unreadable_version = version;
    pthread_mutex_unlock(&mutex);
}

/* True when `version` is neither loaded nor known not to parse. */
static bool is_news(int64_t version)
{
    pthread_mutex_lock(&mutex);
    bool news = (current == NULL || current->catalogues.version != version) && unreadable_version != version;
    pthread_mutex_unlock(&mutex);
    return news;
}

bool catalogues_refresh(struct store *store, struct error *error)
{
    int64_t version = 0;
    if (!store_catalogue_version(store, &version, error))
        return false;
    if (!is_news(version))
        return true;
    struct store_catalogue *stored = store_read_catalogue(NULL, store, error);
    if (stored == NULL)
        return false;
    struct snapshot *snapshot = load_snapshot(stored, error);
    if (snapshot != NULL)
        publish(snapshot);
    else
        remember_unreadable(stored->version);
    talloc_free(stored);
    return snapshot != NULL;
}

const struct catalogue_study *catalogues_find(const struct catalogues *catalogues, const char *code)
{
    for (size_t i = 0; catalogues != NULL && i < catalogues->study_count; i++)
        if (strcmp(catalogues->studies[i].code, code) == 0)
            return &catalogues->studies[i];
    return NULL;
}

const struct form *catalogues_find_wording(const struct catalogue_study *study, const struct form *form,
                                           const char *language)
{
    for (size_t i = 0; i < study->wording_count; i++)
        if (study->wordings[i].base == form && strcmp(study->wordings[i].language, language) == 0)
            return study->wordings[i].worded;
    return NULL;
}
