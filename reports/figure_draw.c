/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/figure_draw.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

enum marker {
    MARKER_CIRCLE,
    MARKER_SQUARE,
    MARKER_TRIANGLE,
    MARKER_DIAMOND,
    MARKER_TRIANGLE_DOWN,
    MARKER_CROSS
};

enum { LEGEND_KEY = 43, LEGEND_GAP = 18 };

#define ELLIPSIS "\xe2\x80\xa6"

/*
 * Colours: Okabe & Ito (2008), safe for the colour-blind, without yellow, in an order in which neighbours
 * differ in grey.  Six colours and markers against five dashes: the first pair that looks alike is the 31st.
 */
static const char *const colours[] = {"#0072b2", "#d55e00", "#000000", "#009e73", "#9c4f7c", "#7a6a00"};
static const char *const dashes[] = {"", "7 3", "2 3", "9 3 2 3", "12 4"};
enum { COLOUR_COUNT = sizeof colours / sizeof *colours, DASH_COUNT = sizeof dashes / sizeof *dashes };

double draw_at(const struct draw_scale *scale, double value)
{
    double share = (value - scale->from) / (scale->to - scale->from);
    return scale->at_from + share * (scale->at_to - scale->at_from);
}

void draw_begin(struct text *out, const struct figure *figure, size_t part, double height)
{
    char *id =
        part == 0 ? memory_copy_string(out, figure->id) : memory_format(out, "%s-%zu", figure->id, part + 1);
    text_append_format(out,
                       "<svg role=\"img\" preserveAspectRatio=\"xMinYMin meet\" aria-labelledby=\"%s-title "
                       "%s-desc\" viewBox=\"0 0 %d ",
                       id, id, DRAW_WIDTH);
    draw_number(out, "", ceil(height), "\"><style>");
    text_append_format(out, "%s</style><title id=\"%s-title\">", draw_style, id);
    text_append_html(out, figure->title);
    text_append_format(out, "</title><desc id=\"%s-desc\">", id);
    text_append_html(out, figure->description);
    text_append(out, "</desc>\n");
    talloc_free(id);
}

void draw_end(struct text *out)
{
    text_append(out, "</svg>\n");
}

void draw_number(struct text *out, const char *before, double value, const char *after)
{
    char number[FORMAT_SIZE];
    text_append(out, before);
    format_number(number, value, 2);
    size_t length = strlen(number);
    if (strchr(number, '.') != NULL) {
        while (number[length - 1] == '0')
            length--;
        if (number[length - 1] == '.')
            length--;
    }
    text_append_bytes(out, number, length);
    text_append(out, after);
}

void draw_line(struct text *out, const char *class, const double from[2], const double to[2])
{
    text_append_format(out, "<line class=\"%s\"", class);
    draw_number(out, " x1=\"", from[0], "\"");
    draw_number(out, " y1=\"", from[1], "\"");
    draw_number(out, " x2=\"", to[0], "\"");
    draw_number(out, " y2=\"", to[1], "\"/>");
}

void draw_rectangle(struct text *out, const char *class, const struct draw_frame *frame)
{
    text_append_format(out, "<rect class=\"%s\"", class);
    draw_number(out, " x=\"", frame->left, "\"");
    draw_number(out, " y=\"", frame->top, "\"");
    draw_number(out, " width=\"", frame->right - frame->left, "\"");
    draw_number(out, " height=\"", frame->bottom - frame->top, "\"/>");
}

/* --- texts ---------------------------------------------------------------------------------------------- */

/* Widths of the characters ' ' to '~' in thousandths of the font size: Adobe's font metrics of Helvetica. */
static const short widths[] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333,  333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 278, 278, 584,  584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778,
    722, 278, 500, 667, 556, 833, 722, 778, 667,  778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278,
    278, 278, 469, 556, 333, 556, 556, 500, 556,  556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500,  500, 500, 334, 260, 334, 584,
};
enum { WIDTH_OTHER = 640, WIDTH_EAST = 1000 };       /* Latin, Greek, Cyrillic; from U+2E80 on */
static const double spare = 1.05;                    /* fonts of the same metrics differ by a little */

/* Bytes of the character at `c` and its width in thousandths. */
static size_t take_character(const char *c, int *width)
{
    unsigned char byte = (unsigned char)*c;
    if (byte < 0x80) {
        *width = byte >= ' ' && byte <= '~' ? widths[byte - ' '] : 0;
        return 1;
    }
    size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    *width = byte > 0xe2 || (byte == 0xe2 && (unsigned char)c[1] >= 0xba) ? WIDTH_EAST : WIDTH_OTHER;
    size_t there = strnlen(c, length);
    return there < length ? there : length;
}

double draw_text_width(const char *text, double size)
{
    double sum = 0;
    for (const char *c = text; *c != '\0';) {
        int width;
        c += take_character(c, &width);
        sum += width;
    }
    return sum / 1000 * size * spare;
}

/* Bytes of the beginning of `text` that fit. */
static size_t fitting(const char *text, double width, double size)
{
    double sum = 0;
    const char *c = text;
    while (*c != '\0') {
        int of_character;
        size_t length = take_character(c, &of_character);
        sum += of_character / 1000.0 * size * spare;
        if (sum > width)
            break;
        c += length;
    }
    return (size_t)(c - text);
}

const char *draw_fit(const void *owner, const char *text, double width, double size)
{
    if (draw_text_width(text, size) <= width)
        return text;
    size_t length = fitting(text, width - size * spare, size);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return memory_format(owner, "%.*s" ELLIPSIS, (int)length, text);
}

/* Bytes of the first line: to the last blank that lets it fit, or as much of the word as fits. */
static size_t line_length(const char *text, double width, double size)
{
    size_t most = fitting(text, width, size);
    if (text[most] == '\0')
        return most;
    for (size_t at = most; at > 0; at--)
        if (text[at] == ' ')
            return at;
    if (most > 0)
        return most;
    int of_character;
    return take_character(text, &of_character);
}

struct draw_paragraph draw_wrap(const void *owner, const char *text, double width, double size)
{
    struct draw_paragraph paragraph = {memory_new_array(owner, const char *, strlen(text) + 1), 0};
    while (*text != '\0') {
        size_t length = line_length(text, width, size);
        paragraph.lines[paragraph.count++] = memory_copy_bytes(owner, text, length);
        text += length;
        while (*text == ' ')
            text++;
    }
    return paragraph;
}

void draw_label(struct text *out, const char *class, double x, double y, const char *label)
{
    text_append_format(out, "<text class=\"%s\"", class);
    draw_number(out, " x=\"", x, "\"");
    draw_number(out, " y=\"", y, "\">");
    text_append_html(out, label);
    text_append(out, "</text>");
}

/* --- series --------------------------------------------------------------------------------------------- */

const char *draw_colour(size_t series)
{
    return colours[series % COLOUR_COUNT];
}

void draw_marker(struct text *out, size_t series, double x, double y)
{
    const char *colour = draw_colour(series);
    /* From the seventh series on markers are hollow. */
    const char *fill = series / COLOUR_COUNT % 2 == 0 ? colour : "#ffffff";
    draw_number(out, "<g transform=\"translate(", x, " ");
    draw_number(out, "", y, ")\"");
    text_append_format(out, " fill=\"%s\" stroke=\"%s\" stroke-width=\"1.4\">", fill, colour);
    switch ((enum marker)(series % COLOUR_COUNT)) {
    case MARKER_CIRCLE: text_append(out, "<circle r=\"4.2\"/>"); break;
    case MARKER_SQUARE: text_append(out, "<path d=\"M-3.8-3.8h7.6v7.6h-7.6z\"/>"); break;
    case MARKER_TRIANGLE: text_append(out, "<path d=\"M0-5L4.8 3.6H-4.8z\"/>"); break;
    case MARKER_DIAMOND: text_append(out, "<path d=\"M0-5.4L5.4 0 0 5.4-5.4 0z\"/>"); break;
    case MARKER_TRIANGLE_DOWN: text_append(out, "<path d=\"M0 5L4.8-3.6H-4.8z\"/>"); break;
    case MARKER_CROSS:
        text_append(out, "<path d=\"M-4.2-1.4h2.8v-2.8h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8z\"/>");
        break;
    }
    text_append(out, "</g>");
}

void draw_stroke(struct text *out, size_t series)
{
    const char *dash = dashes[series % DASH_COUNT];
    text_append_format(out, " stroke=\"%s\"", draw_colour(series));
    if (dash[0] != '\0')
        text_append_format(out, " stroke-dasharray=\"%s\"", dash);
}

static void append_key(struct text *out, const struct draw_legend *legend, size_t series, const double at[2])
{
    text_append(out, "<path class=\"mean\"");
    draw_stroke(out, series);
    draw_number(out, " d=\"M", at[0], " ");
    draw_number(out, "", at[1], "h36\"/>");
    if (legend->markers)
        draw_marker(out, series, at[0] + 18, at[1]);
    double width = DRAW_RIGHT - at[0] - LEGEND_KEY;
    draw_label(out, "start", at[0] + LEGEND_KEY, at[1] + 4,
               draw_fit(out, legend->titles[series], width, DRAW_LABEL));
}

double draw_append_legend(struct text *out, const struct draw_legend *legend)
{
    double x = DRAW_LEFT, y = 14;
    for (size_t s = 0; s < legend->count; s++) {
        double width = LEGEND_KEY + draw_text_width(legend->titles[s], DRAW_LABEL);
        if (x > DRAW_LEFT && x + width > DRAW_RIGHT) {
            x = DRAW_LEFT;
            y += DRAW_LEGEND_ROW;
        }
        if (out != NULL)
            append_key(out, legend, s, (double[]){x, y});
        x += width + LEGEND_GAP;
    }
    return y + DRAW_LEGEND_ROW;
}
