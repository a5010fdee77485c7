/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/figure_draw.h"

/*
 * Stands in every drawing: WeasyPrint shows drawings without the page's style, and whoever takes one out of
 * the page takes its style along.
 */
const char draw_style[] =
    "svg text{font-family:'Liberation Sans',Arial,'Helvetica Neue',sans-serif;font-size:12.5px;fill:#1c2126}"
    "svg text.small{font-size:11.5px;fill:#4a535c}"
    "svg text.end{text-anchor:end}"
    "svg text.middle{text-anchor:middle}"
    "svg text.strong{font-weight:bold;fill:#1c2126}"
    ".grid{stroke:#e1e6ea}"
    ".axis,.zero{stroke:#1c2126}"
    ".zero{stroke-width:1.2}"
    ".threshold{stroke:#56606a;stroke-width:1.2;stroke-dasharray:4 3}"
    ".mean,.outline{fill:none;stroke-width:1.8;stroke-linejoin:round}"
    ".bar{fill:none;stroke-width:1.2}"
    ".dark{stroke:#1c2126}"
    ".limit{fill:none;stroke-width:.8;stroke-opacity:.75}"
    ".point{fill:#1c2126}"
    ".band{fill:#e6e9ec}"
    ".box{fill:#fff;stroke:#1c2126}"
    ".head{fill:#eef1f4}"
    ".arrow{fill:none;stroke:#1c2126}"
    ".quartiles{fill:#fff;stroke-width:1.3}"
    ".median{stroke-width:2.4}"
    ".profile{fill:none;stroke:#56606a;stroke-width:.7;stroke-opacity:.45}"
    ".others{fill:none;stroke:#a9b2ba;stroke-width:.9}"
    ".thick{fill:none;stroke-width:2.6}"
    ".area{fill:#7f98ad}"
    ".bins{fill-opacity:.25;stroke-width:1.2}";
