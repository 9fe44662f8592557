// SPDX-License-Identifier: GPL-2.0-or-later
// The table of keys. A new key: an enumerator in config.h, a row here, its use in plan_make.c, its entry in kdump(5).
#include "boot/config.h"

#include <assert.h>

// Order: see plan_dump() in plan_make.c.
static const char *const dump_formats[] = {
	"", "auto", "compressed", "none", "ELF", "lzo", "snappy", "zstd", "raw", NULL,
};
// Order: enum plan_action after the empty word.
static const char *const final_actions[] = {"", "reboot", "halt", "poweroff", NULL};
static const char *const failure_actions[] = {"", "reboot", "halt", "poweroff", "shell", NULL};

static const char fadump_only[] =
	"firmware-assisted dump is not supported; a dump is taken by kexec, as on other machines";
static const char by_copier[] =
	"KDUMP_DUMPLEVEL and KDUMP_DUMPFORMAT say what the copier does, and it knows the rest by itself";
static const char as_now[] =
	"a server is reached over the card, addresses and gateway by which it is reached when the plan is made";
static const char by_version[] =
	"keep the debugging information of the kernel that README.txt beside the dump asks for";
static const char no_runlevel[] =
	"the capture system has none; it saves the dump and does what KDUMP_FINAL_ACTION says";
static const char raw_target[] = "KDUMP_TARGET=\"raw:DEVICE\" names a partition that holds nothing else";
static const char left_out[] =
	"what a capture kernel must not have is left out by itself, and KDUMP_COMMANDLINE replaces all";
static const char kexec_words[] = "KEXEC_OPTIONS has options of kexec";
static const char image_path[] = "KDUMP_KERNELVER may be the path of a kernel's image";
static const char by_list[] = "kdumpctl list tells which dumps are whole";
static const char by_verbose[] = "KDUMP_VERBOSE says how much is reported";

// A week: longer than any copy, and its milliseconds fit wherever they are computed.
enum { DEADLINE_MAX_S = 7 * 24 * 3600 };

// clang-format off
#define STRING(key, state, value) {key, CONFIG_STRING, state, value, 0, 0, NULL, NULL}
#define BOOL(key, state, value) {key, CONFIG_BOOL, state, value, 0, 1, NULL, NULL}
#define INT(key, state, value, first, last) {key, CONFIG_INT, state, value, first, last, NULL, NULL}
#define CHOICE(key, state, value, choices) {key, CONFIG_CHOICE, state, value, 0, 0, choices, NULL}
#define UNUSED_BOOL(key, value, note) {key, CONFIG_BOOL, CONFIG_WITHOUT_EFFECT, value, 0, 1, NULL, note}
#define UNUSED(key, value, note) {key, CONFIG_STRING, CONFIG_WITHOUT_EFFECT, value, 0, 0, NULL, note}

static const struct config_key_info keys[] = {
	[KEY_TARGET] = STRING("KDUMP_TARGET", CONFIG_WORKS, ""),
	[KEY_SAVEDIR] = STRING("KDUMP_SAVEDIR", CONFIG_WORKS, "/var/crash"),
	[KEY_FALLBACK] = STRING("KDUMP_FALLBACK", CONFIG_WORKS, ""),
	[KEY_DUMPLEVEL] = INT("KDUMP_DUMPLEVEL", CONFIG_WORKS, "31", 0, 31),
	[KEY_DUMPFORMAT] = CHOICE("KDUMP_DUMPFORMAT", CONFIG_WORKS, "", dump_formats),
	[KEY_KEEP_PROCESSES] = STRING("KDUMP_KEEP_PROCESSES", CONFIG_WORKS, ""),
	[KEY_ENCRYPT_TO] = STRING("KDUMP_ENCRYPT_TO", CONFIG_WORKS, ""),
	[KEY_FINAL_ACTION] = CHOICE("KDUMP_FINAL_ACTION", CONFIG_WORKS, "", final_actions),
	[KEY_FAILURE_ACTION] = CHOICE("KDUMP_FAILURE_ACTION", CONFIG_WORKS, "", failure_actions),
	[KEY_IMMEDIATE_REBOOT] = BOOL("KDUMP_IMMEDIATE_REBOOT", CONFIG_WORKS, "true"),
	[KEY_CONTINUE_ON_ERROR] = BOOL("KDUMP_CONTINUE_ON_ERROR", CONFIG_WORKS, "true"),
	[KEY_DEADLINE] = INT("KDUMP_DEADLINE", CONFIG_WORKS, "3600", 60, DEADLINE_MAX_S),
	[KEY_CRASH_LOOP_COUNT] = INT("KDUMP_CRASH_LOOP_COUNT", CONFIG_WORKS, "0", 0, 1000),
	[KEY_CRASH_LOOP_MINUTES] = INT("KDUMP_CRASH_LOOP_MINUTES", CONFIG_WORKS, "60", 1, 525600),
	[KEY_KEEP_OLD_DUMPS] = INT("KDUMP_KEEP_OLD_DUMPS", CONFIG_WORKS, "0", -1, 1000000),
	[KEY_KEEP_MAX_SIZE] = INT("KDUMP_KEEP_MAX_SIZE", CONFIG_WORKS, "0", 0, INT64_C(1) << 40),
	[KEY_KEEP_MAX_DAYS] = INT("KDUMP_KEEP_MAX_DAYS", CONFIG_WORKS, "0", 0, 36500),
	[KEY_KEEP_MIN_FREE] = INT("KDUMP_KEEP_MIN_FREE", CONFIG_WORKS, "0", 0, INT64_C(1) << 40),
	[KEY_FREE_DISK_SIZE] = INT("KDUMP_FREE_DISK_SIZE", CONFIG_WORKS, "64", 0, INT64_C(1) << 40),
	[KEY_VERBOSE] = INT("KDUMP_VERBOSE", CONFIG_WORKS, "0", 0, 31),
	[KEY_CPUS] = INT("KDUMP_CPUS", CONFIG_WORKS, "32", 0, 8192),
	[KEY_KERNELVER] = STRING("KDUMP_KERNELVER", CONFIG_WORKS, ""),
	[KEY_COMMANDLINE] = STRING("KDUMP_COMMANDLINE", CONFIG_WORKS, ""),
	[KEY_COMMANDLINE_APPEND] = STRING("KDUMP_COMMANDLINE_APPEND", CONFIG_WORKS, ""),
	[KEY_KEXEC_OPTIONS] = STRING("KEXEC_OPTIONS", CONFIG_WORKS, ""),
	[KEY_CRASHKERNEL] = STRING("KDUMP_CRASHKERNEL", CONFIG_WORKS, "auto"),
	[KEY_UPDATE_BOOTLOADER] = BOOL("KDUMP_UPDATE_BOOTLOADER", CONFIG_WORKS, "true"),
	[KEY_AUTO_RESIZE] = BOOL("KDUMP_AUTO_RESIZE", CONFIG_WORKS, "false"),
	[KEY_FADUMP] = UNUSED_BOOL("KDUMP_FADUMP", "false", fadump_only),
	[KEY_FADUMP_SHELL] = UNUSED_BOOL("KDUMP_FADUMP_SHELL", "false", fadump_only),
	// Its default text differs between releases of SUSE's package, so it cannot be refused.
	[KEY_FADUMP_COMMANDLINE_APPEND] = UNUSED("FADUMP_COMMANDLINE_APPEND",
		"numa=off cgroup_disable=memory cma=0 kvm_cma_resv_ratio=0 hugetlb_cma=0 "
		"transparent_hugepage=never novmcoredd udev.children-max=2", fadump_only),
	[KEY_MAKEDUMPFILE_OPTIONS] = UNUSED("MAKEDUMPFILE_OPTIONS", "", by_copier),
	[KEY_TRANSFER] = {"KDUMP_TRANSFER", CONFIG_COMMAND, CONFIG_WORKS, "", 0, 0, NULL, NULL},
	[KEY_REQUIRED_PROGRAMS] = STRING("KDUMP_REQUIRED_PROGRAMS", CONFIG_WORKS, ""),
	[KEY_PRESCRIPT] = {"KDUMP_PRESCRIPT", CONFIG_COMMAND, CONFIG_WORKS, "", 0, 0, NULL, NULL},
	[KEY_POSTSCRIPT] = {"KDUMP_POSTSCRIPT", CONFIG_COMMAND, CONFIG_WORKS, "", 0, 0, NULL, NULL},
	[KEY_PANIC_NOTIFIERS] = BOOL("KDUMP_PANIC_NOTIFIERS", CONFIG_WORKS, "false"),
	[KEY_PANIC_ON] = STRING("KDUMP_PANIC_ON", CONFIG_WORKS, ""),
	[KEY_NOTIFY_NODES] = STRING("KDUMP_NOTIFY_NODES", CONFIG_WORKS, ""),
	[KEY_NOTIFY_PORT] = INT("KDUMP_NOTIFY_PORT", CONFIG_WORKS, "7410", 1, 65535),
	[KEY_NOTIFY_INTERVAL] = INT("KDUMP_NOTIFY_INTERVAL", CONFIG_WORKS, "10", 1, 3600),
	[KEY_NETCONFIG] = UNUSED("KDUMP_NETCONFIG", "auto", as_now),
	[KEY_NET_TIMEOUT] = INT("KDUMP_NET_TIMEOUT", CONFIG_WORKS, "30", 0, 86400),
	[KEY_HOST_KEY] = STRING("KDUMP_HOST_KEY", CONFIG_WORKS, ""),
	[KEY_SSH_IDENTITY] = STRING("KDUMP_SSH_IDENTITY", CONFIG_WORKS, ""),
	[KEY_S3_ENDPOINT] = STRING("KDUMP_S3_ENDPOINT", CONFIG_WORKS, ""),
	[KEY_S3_REGION] = STRING("KDUMP_S3_REGION", CONFIG_WORKS, "us-east-1"),
	[KEY_CA_FILE] = STRING("KDUMP_CA_FILE", CONFIG_WORKS, ""),
	[KEY_SMTP_SERVER] = STRING("KDUMP_SMTP_SERVER", CONFIG_WORKS, ""),
	[KEY_SMTP_USER] = STRING("KDUMP_SMTP_USER", CONFIG_WORKS, ""),
	[KEY_SMTP_PASSWORD] = STRING("KDUMP_SMTP_PASSWORD", CONFIG_WORKS, ""),
	[KEY_SMTP_TIMEOUT] = INT("KDUMP_SMTP_TIMEOUT", CONFIG_WORKS, "300", 0, 86400),
	[KEY_NOTIFICATION_TO] = STRING("KDUMP_NOTIFICATION_TO", CONFIG_WORKS, ""),
	[KEY_NOTIFICATION_CC] = STRING("KDUMP_NOTIFICATION_CC", CONFIG_WORKS, ""),
	[KEY_METRICS_FILE] = STRING("KDUMP_METRICS_FILE", CONFIG_WORKS, ""),
	[KEY_KDUMPTOOL_FLAGS] = UNUSED("KDUMPTOOL_FLAGS", "", by_copier),
	[KEY_COPY_KERNEL] = UNUSED("KDUMP_COPY_KERNEL", "", by_version),
	[KEY_RUNLEVEL] = UNUSED("KDUMP_RUNLEVEL", "", no_runlevel),
	[KEY_DUMPDEV] = UNUSED("KDUMP_DUMPDEV", "", raw_target),
	// Keys that RHEL's file of the same name has.
	[KEY_COMMANDLINE_REMOVE] = UNUSED("KDUMP_COMMANDLINE_REMOVE", "", left_out),
	[KEY_KEXEC_ARGS] = UNUSED("KEXEC_ARGS", "", kexec_words),
	[KEY_BOOTDIR] = UNUSED("KDUMP_BOOTDIR", "", image_path),
	[KEY_IMG] = UNUSED("KDUMP_IMG", "", image_path),
	[KEY_IMG_EXT] = UNUSED("KDUMP_IMG_EXT", "", image_path),
	[KEY_CREATION_NOTIFICATION] = UNUSED("VMCORE_CREATION_NOTIFICATION", "", by_list),
	[KEY_STDLOGLVL] = UNUSED("KDUMP_STDLOGLVL", "", by_verbose),
	[KEY_SYSLOGLVL] = UNUSED("KDUMP_SYSLOGLVL", "", by_verbose),
	[KEY_KMSGLOGLVL] = UNUSED("KDUMP_KMSGLOGLVL", "", by_verbose),
};
// clang-format on

static_assert(array_size(keys) == KEY_COUNT, "every key has a row");

const struct config_key_info *config_key_info(enum config_key key)
{
	return &keys[key];
}
