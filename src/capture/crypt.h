// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Opens the encrypted volumes that are targets, with keys that the crashed kernel has handed over (boot/handover.h): without cryptsetup,
 * a passphrase, or memory for a key derivation. The key goes from kernel to kernel, and is never in a program.
 *
 * Does not find the disk (target.h).
 */
#ifndef CAPTURE_CRYPT_H
#define CAPTURE_CRYPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/plan.h"
#include "boot/words.h"
#include "capture/log.h"

/** The volume of a target. @param[in] plan The plan. @param[in] number Of the target. @return Its row in the plan; NULL: it is not encrypted. */
const char *crypt_find(const struct plan *plan, size_t number);

/** Whether the volume of a target is open. @param[in] host The machine. @param[in] number Of the target. */
bool crypt_is_open(const struct host *host, size_t number);

/**
 * What device-mapper is told of a volume.
 *
 * @param[in] volume Of crypt_parse().
 * @param[in] disk "MAJOR:MINOR".
 * @param[out] ret "CIPHER :SIZE:user:NAME IV MAJOR:MINOR START COUNT OPTION…"; free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *crypt_parameters(const struct words *volume, const char *disk, char **ret) must_check;

/**
 * Open the volume of a target: /dev/dm-N is there behind this.
 *
 * @param[in] host The machine.
 * @param[in] volume Of crypt_parse().
 * @param[in] path Of the disk with its header.
 * @param[in,out] log What is told; never a key.
 * @return NULL; ERROR_UNSUPPORTED, ERROR_OS (the keys are not there, or device-mapper refuses; the text says which); ERROR_NOMEM.
 */
struct error *crypt_open(const struct host *host, const struct words *volume, const char *path,
                         struct log *log) must_check;

#endif
