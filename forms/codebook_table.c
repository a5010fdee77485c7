/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/codebook_table.h"

#include <string.h>

void codebook_put(struct text *out, const char *tag, const char *text)
{
    text_append_format(out, "<%s>", tag);
    text_append_html(out, text != NULL ? text : "");
    text_append_format(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void codebook_open_table(struct text *out, const char *caption, const char *const *names)
{
    text_append(out, "<div class=\"scroll\"><table>");
    codebook_put(out, "caption", caption);
    text_append(out, "<thead><tr>");
    for (const char *const *name = names; *name != NULL; name++)
        codebook_put(out, "th scope=\"col\"", *name);
    text_append(out, "</tr></thead><tbody>\n");
}

void codebook_close_table(struct text *out)
{
    text_append(out, "</tbody></table></div>\n");
}

void codebook_open_row(struct text *out, const char *id)
{
    text_append(out, "<tr><th scope=\"row\"><code>");
    text_append_html(out, id);
    text_append(out, "</code></th>");
}
