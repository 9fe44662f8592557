// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Options of makedumpfile, which both of the others' configurations have.
 *
 * Private to import_debian.c and import_rhel.c. Does not execute the command.
 */
#ifndef BOOT_IMPORT_MAKEDUMPFILE_H
#define BOOT_IMPORT_MAKEDUMPFILE_H

#include "boot/imported.h"

/** Take options of makedumpfile. @param[in,out] import For them. @param[in] line Where they stand. @param[in] options Without the program's name. */
void import_makedumpfile(struct imported *import, const struct imported_line *line, const char *options);

#endif
