// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Programs of the administrator's that run after a crash, and the files that they need in the capture initramfs.
 *
 * Does not run them (capture/hooks.h) and does not look for their libraries: dracut does.
 */
#ifndef BOOT_HOOKS_H
#define BOOT_HOOKS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/words.h"

/** What a command of the plan begins with if a shell has to read it; else it is words, and the first is a path. */
#define HOOKS_SHELL "sh:"

/** Where directories of programs are. */
#define HOOKS_DIRECTORY "/etc/kdump/"

/** Commands and files. hooks_deinit() it. */
struct hooks {
	struct words pre, post, emergency; /**< In order. */
	struct words transfer; /**< One at most: in place of the copy. */
	struct words files; /**< Absolute paths, each once. */
	struct words reasons; /**< Of files, for a person. */
};

/**
 * Find them: keys of the configuration, then the directories /etc/kdump/pre.d, post.d and emergency.d.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[out] ret Result; hooks_deinit() it.
 * @return NULL; ERROR_CONFIG (a program that is not there or cannot be run); ERROR_OS; ERROR_NOMEM.
 */
struct error *hooks_find(const struct host *host, const struct config *config, struct hooks *ret) must_check;

/** Free what it owns. @param[in] hooks Filled, or zeroed. */
void hooks_deinit(struct hooks *hooks);

#define _cleanup_hooks_ _cleanup_(hooks_deinit)

#endif
