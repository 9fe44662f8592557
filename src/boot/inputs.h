// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Everything that a capture initramfs is made from, as text, and what has changed since.
 *
 * Files count by their content: one that was written anew, or touched, is what it was. Does not make the image (initrd.h).
 */
#ifndef BOOT_INPUTS_H
#define BOOT_INPUTS_H

#include <time.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/plan.h"

/**
 * List what an image of the plan would be made from now: the plan without its comments, our version and program, kernel and modules,
 * files of hooks and of servers, secrets, and in the full form what dracut takes from this system.
 *
 * @param[in] host The machine.
 * @param[in] plan The plan.
 * @param[out] ret Lines; as secret as the image. free() it.
 * @return NULL; ERROR_CONFIG (a file that belongs in it is not there); ERROR_OS; ERROR_NOMEM.
 */
struct error *inputs_list(const struct host *host, const struct plan *plan, char **ret) must_check;

/**
 * Add the programs and libraries that dracut has put into an image for those of the plan: files of this system that are in it under the
 * same path, executable or libraries by their name.
 *
 * @param[in] host The machine.
 * @param[in] path The image.
 * @param[in] since Before dracut ran: what was changed later may be another one than that in the image, and counts as changed.
 * @param[in,out] inputs Of inputs_list(); replaced.
 * @return NULL; ERROR_BAD_DATA (the image cannot be read: damaged); ERROR_OS; ERROR_NOMEM.
 */
struct error *inputs_add_programs(const struct host *host, const char *path, const struct timespec *since,
                                  char **inputs) must_check;

/** Add those that another list has, as they are now. @param[in] host The machine. @param[in] old The other list. @param[in,out] inputs Of inputs_list(); replaced. @return NULL; ERROR_OS; ERROR_NOMEM. */
struct error *inputs_add_known(const struct host *host, const char *old, char **inputs) must_check;

/** Add the image itself: one that was cut off by a full disk or replaced by hand is not trusted. @param[in] host The machine. @param[in] path The image. @param[in,out] inputs Of inputs_list(); replaced. @return NULL; ERROR_OS; ERROR_NOMEM. */
struct error *inputs_add_image(const struct host *host, const char *path, char **inputs) must_check;

/**
 * Compare two lists.
 *
 * @param[in] old, new Lists, which are cut into lines.
 * @param[out] cause_ret All that differs, for a person; NULL if nothing does. free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *inputs_compare(char *old, char *new, char **cause_ret) must_check;

#endif
