// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Kernel parameters in /etc/default/grub and files like it, which a shell reads.
 *
 * Does not execute them: what cannot be understood by reading is refused with its line.
 */
#ifndef BOOT_GRUBDEFAULT_H
#define BOOT_GRUBDEFAULT_H

#include <stdbool.h>

#include "base/error.h"
#include "boot/parameters.h"

/** The variable that all entries have, those for recovery too. */
#define GRUBDEFAULT_VARIABLE "GRUB_CMDLINE_LINUX"

/** The one that those for recovery do not have. */
#define GRUBDEFAULT_NORMAL GRUBDEFAULT_VARIABLE "_DEFAULT"

/**
 * Change the parameters in both variables.
 *
 * @param[in] text The file.
 * @param[in] name Its name, for messages.
 * @param[in] change What goes, from all assignments; what comes, to the last one of GRUBDEFAULT_VARIABLE, which is made if there is none.
 * @param[out] ret The file as it is to be: all else byte for byte; free() it.
 * @return NULL; ERROR_CONFIG (name:line: what is not understood); ERROR_NOMEM.
 */
struct error *grubdefault_edit(const char *text, const char *name, const struct parameters_change *change,
                               char **ret) must_check;

/**
 * Add the parameters of some names, from all assignments of both variables.
 *
 * @param[in] text The file.
 * @param[in] name Its name, for messages.
 * @param[in] names NULL-terminated.
 * @param[in,out] ret The list.
 * @return NULL; ERROR_CONFIG; ERROR_NOMEM. As grubdefault_edit().
 */
struct error *grubdefault_find(const char *text, const char *name, const char *const *names,
                               struct words *ret) must_check;

/** Whether a variable has a value there; for those that are "true" or not. @param[in] text The file. @param[in] variable Its name. @param[in] value The value. */
bool grubdefault_is(const char *text, const char *variable, const char *value);

#endif
