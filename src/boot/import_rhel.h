// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * /etc/kdump.conf of RHEL and Fedora: kdump.conf(5) of kdump-utils 1.0.
 *
 * Private to import.c. Does not look whether what comes out is a configuration that we take.
 */
#ifndef BOOT_IMPORT_RHEL_H
#define BOOT_IMPORT_RHEL_H

#include "base/error.h"
#include "boot/imported.h"

/** Read the lines of RHEL's. @param[in] text Of the file. @param[in,out] import Receives them. @return NULL; ERROR_NOMEM. */
struct error *import_rhel(const char *text, struct imported *import) must_check;

#endif
