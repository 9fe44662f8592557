// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Where images of kernels and their initramfs lie, by the names that distributions give them.
 *
 * Does not read the images.
 */
#ifndef BOOT_KERNELIMAGE_H
#define BOOT_KERNELIMAGE_H

#include "base/error.h"
#include "base/host.h"

/** Find the image of a kernel. @param[in] host The machine. @param[in] version As uname -r has it. @param[out] ret Its path; free() it. @return NULL; ERROR_CONFIG (it is not there); ERROR_NOMEM. */
struct error *kernelimage_find(const struct host *host, const char *version, char **ret) must_check;

/** The version in the name of an image: "/boot/vmlinuz-VERSION", "/usr/lib/modules/VERSION/vmlinuz". @param[in] path Absolute. @return "" if the name tells none; NULL without memory; free() it. */
char *kernelimage_version(const char *path);

/**
 * Find the initramfs that a kernel is booted with, not that of a capture.
 *
 * @param[in] host The machine.
 * @param[in] path The kernel's image.
 * @param[in] version Its version.
 * @param[out] ret Its path; free() it.
 * @return NULL; ERROR_UNSUPPORTED (none where it usually is); ERROR_NOMEM.
 */
struct error *kernelimage_initrd(const struct host *host, const char *path, const char *version, char **ret) must_check;

#endif
