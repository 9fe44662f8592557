// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Unified kernel images in EFI/Linux of a partition, and the add-ons beside them that bring more parameters: the command line of an
 * image may be signed, and is not changed.
 *
 * Does not know which boot loader starts them, and makes no images.
 *
 * Source: systemd-stub(7), "COMPANION FILES"; the UAPI Group's "Unified Kernel Image"; Microsoft's "PE Format".
 */
#ifndef BOOT_UNIFIED_H
#define BOOT_UNIFIED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/bootloader.h"

/** Our add-on, in loader/addons of the partition (for all images), or in NAME.efi.extra.d beside an image. */
#define UNIFIED_ADDON "kdump.addon.efi"

/**
 * The command line that an image or an add-on has inside.
 *
 * @param[in] host The machine.
 * @param[in] path Absolute.
 * @param[out] ret The section ".cmdline" without blanks at its end; NULL if there is none; free() it.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA (it is no image of EFI); ERROR_NOMEM.
 */
struct error *unified_cmdline(const struct host *host, const char *path, char **ret) must_check;

/** Whether a system was started from such an image. @param[in] host The machine. */
bool unified_is_started(const struct host *host);

/** Note the parameters of a partition's images, with their add-ons. @param[in] host The machine. @param[in] mount Where the partition is. @param[in] names As in struct bootloader. @param[in,out] view The view. @return NULL; ERROR_OS; ERROR_NOMEM. */
struct error *unified_view(const struct host *host, const char *mount, const char *const *names,
                           struct bootloader_view *view) must_check;

/**
 * Plan an add-on for the images that a task asks for.
 *
 * @param[in] host The machine.
 * @param[in] mount Where the partition is.
 * @param[in,out] task The task. An image that cannot be understood is a note.
 * @param[in,out] count Grows by the images that are there.
 * @param[in,out] asked Grows by those that are meant.
 * @return NULL; ERROR_UNSUPPORTED (the image has what is to go, no ukify(1), Secure Boot, or a stub that reads no add-ons); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *unified_plan(const struct host *host, const char *mount, struct bootloader_task *task, size_t *count,
                           size_t *asked) must_check;

#endif
