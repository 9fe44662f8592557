// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * /etc/default/kdump-tools of Debian: kdump-tools(5) 1.10.
 *
 * Private to import.c. Does not look whether what comes out is a configuration that we take.
 */
#ifndef BOOT_IMPORT_DEBIAN_H
#define BOOT_IMPORT_DEBIAN_H

#include "base/error.h"
#include "boot/imported.h"

/** Read the lines of Debian's. @param[in] text Of the file. @param[in,out] import Receives them. @return NULL; ERROR_NOMEM. */
struct error *import_debian(const char *text, struct imported *import) must_check;

#endif
