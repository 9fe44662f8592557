// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * VMCOREINFO as a file of text: made from a vmlinux (-g), taken for a dump that has none (-i).
 *
 * Does not know what its lines mean.
 */
#ifndef CMD_COPY_INFO_H
#define CMD_COPY_INFO_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

/**
 * Make a file of VMCOREINFO.
 *
 * @param[in] vmlinux_path The kernel, with debugging information.
 * @param[in] path The file.
 * @param[in] is_forced A file of this name may be replaced.
 * @return NULL; as vmlinux_write_info() and copy_output_open().
 */
struct error *copy_info_write(const char *vmlinux_path, const char *path, bool is_forced) must_check;

/**
 * Take a file's VMCOREINFO for a dump that has none of its own.
 *
 * @param[in,out] core An opened dump, before it is used.
 * @param[in] path The file.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA (it is not of the kernel that crashed); ERROR_NOMEM.
 */
struct error *copy_info_take(struct vmcore *core, const char *path) must_check;

#endif
