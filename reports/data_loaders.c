/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scripts that read the analysis datasets into R and SAS. */
#include <string.h>

#include "forms/base/memory.h"
#include "reports/data_csv.h"

/* --- R ------------------------------------------------------------------------------------------------- */

static const char r_head[] =
    "# Reads the analysis datasets beside this script into data frames; codebook.csv says what each column is.\n"
    "#   Rscript load.R         or         source(\"FOLDER/load.R\")\n"
    "# PATELLA_FOLDER, a variable of the environment, names another folder.\n"
    "patella_folder <- Sys.getenv(\"PATELLA_FOLDER\")\n"
    "if (patella_folder == \"\") {\n"
    "  patella_script <- sub(\"^--file=\", \"\", grep(\"^--file=\", commandArgs(FALSE), value = TRUE))\n"
    "  for (patella_frame in sys.frames())\n"
    "    if (!is.null(patella_frame$ofile)) patella_script <- patella_frame$ofile\n"
    "  patella_folder <- if (length(patella_script) == 1) dirname(patella_script) else \".\"\n"
    "}\n"
    "patella_read <- function(file, types, labels) {\n"
    "  data <- read.csv(file.path(patella_folder, file), colClasses = types, na.strings = \"\",\n"
    "                   encoding = \"UTF-8\", check.names = FALSE, comment.char = \"\")\n"
    "  stopifnot(identical(names(data), names(labels)))\n"
    "  for (name in names(labels)) attr(data[[name]], \"label\") <- labels[[name]]\n"
    "  data\n"
    "}\n";

/* Within double quotes of R. */
static void append_r_text(struct text *out, const char *string)
{
    text_append(out, "\"");
    for (const char *c = string; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            text_append(out, "\\");
        text_append_bytes(out, *c == '\n' ? " " : c, 1);
    }
    text_append(out, "\"");
}

static void append_r_table(struct text *out, const struct data_table *table)
{
    static const char *const types[] = {[DATA_TEXT] = "character", [DATA_INTEGER] = "integer",
                                        [DATA_NUMBER] = "numeric", [DATA_DATE] = "Date"};
    char *file = data_file_name(out, table, ".csv");
    text_append_format(out, "\n# %s: %zu rows\n%.*s <- patella_read(\"%s\", c(\n", table->label,
                       table->row_count, (int)(strlen(file) - strlen(".csv")), file, file);
    for (size_t i = 0; i < table->column_count; i++)
        text_append_format(out, "  %s = \"%s\"%s\n", table->columns[i].name, types[table->columns[i].type],
                           i + 1 < table->column_count ? "," : "");
    text_append(out, "), c(\n");
    for (size_t i = 0; i < table->column_count; i++) {
        text_append_format(out, "  %s = ", table->columns[i].name);
        append_r_text(out, table->columns[i].label);
        text_append(out, i + 1 < table->column_count ? ",\n" : "\n");
    }
    text_append_format(out, "))\nstopifnot(nrow(%.*s) == %zu)\n", (int)(strlen(file) - strlen(".csv")), file,
                       table->row_count);
    talloc_free(file);
}

void data_loader_r_write(struct text *out, struct data_table *const *tables, size_t count)
{
    text_append(out, r_head);
    for (size_t i = 0; i < count; i++)
        append_r_table(out, tables[i]);
}

/* --- SAS ----------------------------------------------------------------------------------------------- */

static const char sas_head[] =
    "/* Reads the analysis datasets into WORK; codebook.csv says what each column is.\n"
    "   Set the macro variable to the folder where the files are.  The session should be UTF-8. */\n"
    "%let folder = .;\n";

/* Within single quotes: in double ones SAS would take & and % for macros. */
static void append_sas_text(struct text *out, const char *string)
{
    text_append(out, "'");
    for (const char *c = string; *c != '\0'; c++) {
        if (*c == '\'')
            text_append(out, "'");
        text_append_bytes(out, *c == '\n' ? " " : c, 1);
    }
    text_append(out, "'");
}

/* An apostrophe that was put in front of a text makes it one byte longer. */
static void append_sas_lengths(struct text *out, const struct data_table *table)
{
    text_append(out, "  length");
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].type == DATA_TEXT)
            text_append_format(out, "\n    %s $ %zu", table->columns[i].name, table->lengths[i] + 1);
        else
            text_append_format(out, "\n    %s 8", table->columns[i].name);
    }
    text_append(out, ";\n");
}

static void append_sas_dates(struct text *out, const struct data_table *table)
{
    bool any = false;
    for (size_t i = 0; i < table->column_count; i++)
        any = any || table->columns[i].type == DATA_DATE;
    for (int pass = 0; any && pass < 2; pass++) {
        text_append(out, pass == 0 ? "  informat" : "  format");
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].type == DATA_DATE)
                text_append_format(out, " %s", table->columns[i].name);
        text_append(out, pass == 0 ? " e8601da10.;\n" : " yymmdd10.;\n");
    }
}

static void append_sas_table(struct text *out, const struct data_table *table)
{
    char *file = data_file_name(out, table, ".csv");
    text_append_format(out, "\n/* %s: %zu rows */\ndata %.*s (label=", table->label, table->row_count,
                       (int)(strlen(file) - strlen(".csv")), file);
    append_sas_text(out, table->label);
    text_append_format(out, ");\n  infile \"&folder/%s\" dsd dlm=',' firstobs=2 truncover lrecl=1000000 termstr=lf "
                            "encoding='utf-8';\n",
                       file);
    append_sas_lengths(out, table);
    append_sas_dates(out, table);
    text_append(out, "  label");
    for (size_t i = 0; i < table->column_count; i++) {
        text_append_format(out, "\n    %s = ", table->columns[i].name);
        append_sas_text(out, table->columns[i].label);
    }
    text_append(out, ";\n  input");
    for (size_t i = 0; i < table->column_count; i++)
        text_append_format(out, " %s", table->columns[i].name);
    text_append(out, ";\nrun;\n");
    talloc_free(file);
}

void data_loader_sas_write(struct text *out, struct data_table *const *tables, size_t count)
{
    text_append(out, sas_head);
    for (size_t i = 0; i < count; i++)
        append_sas_table(out, tables[i]);
}
