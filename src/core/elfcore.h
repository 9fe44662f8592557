// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * ELF dumps: /proc/vmcore, its copies, and what hypervisors write.
 *
 * Does not read memory; it finds where memory lies in the file. Source: gABI chapters 4 and 5; Linux fs/proc/vmcore.c.
 */
#ifndef CORE_ELFCORE_H
#define CORE_ELFCORE_H

#include "core/vmcore.h"

/** The format, for the array in vmcore.c. */
extern const struct core_format elfcore_format;

#endif
