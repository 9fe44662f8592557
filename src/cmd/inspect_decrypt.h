// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdump-inspect decrypt: encrypted files of a dump, made readable.
 *
 * Does not look into what it decrypts, but for whether it is a flattened stream.
 */
#ifndef CMD_INSPECT_DECRYPT_H
#define CMD_INSPECT_DECRYPT_H

#include "base/cleanup.h"
#include "base/error.h"

/** What stands behind the command's name. */
#define INSPECT_DECRYPT_USAGE "-i IDENTITY-FILE [--partial] [-o OUTPUT] INPUT"

/**
 * Run the command.
 *
 * @param[in] argc Words, the command's name among them.
 * @param[in] argv The words.
 * @return NULL; ERROR_USAGE; errors of age_reader_open(), age_reader_read(), rearrange_run_from(); ERROR_OS; ERROR_NOSPC. What
 *	   was finished before the error stays.
 */
struct error *inspect_decrypt(int argc, char **argv) must_check;

#endif
