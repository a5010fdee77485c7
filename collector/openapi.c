/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/openapi.h"

/* The assembler reads the file as it is, relative to the folder of the Makefile, which knows of it too. */
__asm__(".section .rodata.openapi_yaml,\"a\"\n"
        ".global openapi_yaml\n"
        "openapi_yaml:\n"
        ".incbin \"collector/openapi.yaml\"\n"
        "openapi_yaml_end:\n"
        ".byte 0\n"
        ".balign 8\n"
        ".global openapi_yaml_length\n"
        "openapi_yaml_length:\n"
        ".quad openapi_yaml_end - openapi_yaml\n"
        ".previous\n");
