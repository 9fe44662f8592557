// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The configuration: every key of /etc/sysconfig/kdump, typed, with the place where it was set.
 *
 * Does not ask the machine anything (plan.h does) and never executes anything: the file was shell once, here it is
 * text.
 */
#ifndef BOOT_CONFIG_H
#define BOOT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/words.h"

/** Where the configuration is; "PATH.d/?*.conf" is read after it, in the order of names. */
#define CONFIG_PATH "/etc/sysconfig/kdump"

/** Keys; their names, types, defaults and ranges are the rows of the table in config_keys.c. */
enum config_key {
	KEY_TARGET,
	KEY_SAVEDIR,
	KEY_FALLBACK,
	KEY_DUMPLEVEL,
	KEY_DUMPFORMAT,
	KEY_KEEP_PROCESSES,
	KEY_ENCRYPT_TO,
	KEY_FINAL_ACTION,
	KEY_FAILURE_ACTION,
	KEY_IMMEDIATE_REBOOT,
	KEY_CONTINUE_ON_ERROR,
	KEY_DEADLINE,
	KEY_CRASH_LOOP_COUNT,
	KEY_CRASH_LOOP_MINUTES,
	KEY_KEEP_OLD_DUMPS,
	KEY_KEEP_MAX_SIZE,
	KEY_KEEP_MAX_DAYS,
	KEY_KEEP_MIN_FREE,
	KEY_FREE_DISK_SIZE,
	KEY_VERBOSE,
	KEY_CPUS,
	KEY_KERNELVER,
	KEY_COMMANDLINE,
	KEY_COMMANDLINE_APPEND,
	KEY_KEXEC_OPTIONS,
	KEY_CRASHKERNEL,
	KEY_UPDATE_BOOTLOADER,
	KEY_AUTO_RESIZE,
	KEY_FADUMP,
	KEY_FADUMP_SHELL,
	KEY_FADUMP_COMMANDLINE_APPEND,
	KEY_MAKEDUMPFILE_OPTIONS,
	KEY_TRANSFER,
	KEY_REQUIRED_PROGRAMS,
	KEY_PRESCRIPT,
	KEY_POSTSCRIPT,
	KEY_PANIC_NOTIFIERS,
	KEY_PANIC_ON,
	KEY_NOTIFY_NODES,
	KEY_NOTIFY_PORT,
	KEY_NOTIFY_INTERVAL,
	KEY_NETCONFIG,
	KEY_NET_TIMEOUT,
	KEY_HOST_KEY,
	KEY_SSH_IDENTITY,
	KEY_S3_ENDPOINT,
	KEY_S3_REGION,
	KEY_CA_FILE,
	KEY_SMTP_SERVER,
	KEY_SMTP_USER,
	KEY_SMTP_PASSWORD,
	KEY_SMTP_TIMEOUT,
	KEY_NOTIFICATION_TO,
	KEY_NOTIFICATION_CC,
	KEY_METRICS_FILE,
	KEY_KDUMPTOOL_FLAGS,
	KEY_COPY_KERNEL,
	KEY_RUNLEVEL,
	KEY_DUMPDEV,
	KEY_COMMANDLINE_REMOVE,
	KEY_KEXEC_ARGS,
	KEY_BOOTDIR,
	KEY_IMG,
	KEY_IMG_EXT,
	KEY_CREATION_NOTIFICATION,
	KEY_STDLOGLVL,
	KEY_SYSLOGLVL,
	KEY_KMSGLOGLVL,
	KEY_COUNT,
};

/** Type of a key. */
enum config_type {
	CONFIG_STRING, /**< Any text. */
	CONFIG_COMMAND, /**< Text that a shell of the capture system may read; here it is text. */
	CONFIG_BOOL, /**< yes/no, true/false, 1/0, on/off. */
	CONFIG_INT, /**< Decimal, between first and last. */
	CONFIG_CHOICE, /**< One of the words of choices, upper or lower case. */
};

/** What this version does with a key. */
enum config_state {
	CONFIG_WORKS, /**< It does what kdump(5) says. */
	CONFIG_WITHOUT_EFFECT, /**< Accepted; another value than the default brings a warning with the reason. */
};

/** A row of the table of keys. */
struct config_key_info {
	const char *name;
	enum config_type type;
	enum config_state state;
	const char *default_text; /**< As it would stand in the file. */
	int64_t first, last; /**< CONFIG_INT: the range, both ends allowed. */
	const char *const *choices; /**< CONFIG_CHOICE: NULL-terminated. */
	const char *note; /**< CONFIG_WITHOUT_EFFECT: why; else NULL. */
};

/** Value of a key. */
struct config_value {
	char *text; /**< Without quotes. */
	int64_t number; /**< CONFIG_BOOL: 0 or 1; CONFIG_INT: the number; CONFIG_CHOICE: index of the word. */
	char *where; /**< "file:line", or "default". */
	bool is_set; /**< The key stands in a file. */
};

/** The configuration. config_deinit() it. */
struct config {
	struct config_value values[KEY_COUNT];
	struct words warnings; /**< For a person, without a prefix; each names file:line. */
};

/** Row of a key. @param[in] key Below KEY_COUNT. @return Never NULL; static. */
const struct config_key_info *config_key_info(enum config_key key);

/**
 * Read the file and its drop-ins, then check every value that is in force. A later assignment wins.
 *
 * A missing file means defaults, and a warning. A file that holds a password and that others can read gets mode 0600,
 * and a warning.
 *
 * @param[in] host The machine.
 * @param[in] path Usually CONFIG_PATH.
 * @param[out] ret The configuration; config_deinit() it. Untouched on error.
 * @return NULL; ERROR_CONFIG (file:line: key: what is wrong, what is allowed); ERROR_OS; ERROR_NOMEM.
 */
struct error *config_load(const struct host *host, const char *path, struct config *ret) must_check;

/**
 * Read the text of one file into a configuration. Values are not checked; config_check() does that.
 *
 * @param[in] text Text.
 * @param[in] name Name of the file, for messages.
 * @param[in,out] config Zeroed, or filled by an earlier file.
 * @return NULL; ERROR_CONFIG (file:line: what is not understood); ERROR_NOMEM.
 */
struct error *config_parse(const char *text, const char *name, struct config *config) must_check;

/**
 * Give every key that is not set its default, and check types and ranges.
 *
 * @param[in,out] config Filled by config_parse().
 * @return NULL; ERROR_CONFIG; ERROR_NOMEM. As config_load().
 */
struct error *config_check(struct config *config) must_check;

/** Text of a key. @param[in] config Checked. @param[in] key Which. @return Borrowed, never NULL. */
const char *config_text(const struct config *config, enum config_key key);

/** Number of a key. @param[in] config Checked. @param[in] key Which, not a string. @return See struct config_value. */
int64_t config_number(const struct config *config, enum config_key key);

/** Where a key was set. @param[in] config Checked. @param[in] key Which. @return Borrowed: "file:line" or "default". */
const char *config_where(const struct config *config, enum config_key key);

/** Free what a configuration owns. @param[in] config Filled, or zeroed. */
void config_deinit(struct config *config);

#define _cleanup_config_ _cleanup_(config_deinit)

#endif
