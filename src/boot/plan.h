// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The plan: everything the capture side needs to know, decided before the crash, each value with its reason.
 *
 * Does not carry anything out. The capture side reads the plan and nothing else.
 */
#ifndef BOOT_PLAN_H
#define BOOT_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"

struct config;

/** Version of the plan's text format; a capture program refuses any other. */
enum { PLAN_VERSION = 1 };

/** Where a plan lies in the capture initramfs. */
#define PLAN_PATH "/etc/kdump/plan"

/** Key of what is not as it was asked for, although there is a plan. */
#define PLAN_WARNING "warning"

/** What the capture initramfs is made of. */
enum plan_form {
	PLAN_MINIMAL, /**< Our static program is /init. */
	PLAN_FULL, /**< dracut with systemd; our program is a unit. */
};

/** What the machine does at the end. */
enum plan_action {
	PLAN_REBOOT,
	PLAN_HALT,
	PLAN_POWEROFF,
	PLAN_SHELL, /**< Failure action only; the one case in which a human is waited for. */
};

/** How a dump is written. */
enum plan_format {
	PLAN_FORMAT_AUTO, /**< kdump-compressed, method chosen by the copier. */
	PLAN_FORMAT_NONE, /**< kdump-compressed format without compression. */
	PLAN_FORMAT_ZLIB,
	PLAN_FORMAT_LZO,
	PLAN_FORMAT_SNAPPY,
	PLAN_FORMAT_ZSTD,
	PLAN_FORMAT_ELF, /**< Filtered ELF. */
	PLAN_FORMAT_RAW, /**< The whole of /proc/vmcore, unfiltered. */
};

/** What the full form is known to need of the reservation, in MiB. */
enum { PLAN_FULL_MIB = 192 };

/** Most addresses that get notices, and cards and VLANs for them; a node has two rings, and a cluster some dozen nodes. */
enum { PLAN_ROUTES_MAX = 64, PLAN_LINKS_MAX = 16 };

/** "File systems" of targets that are servers: one that OpenSSH reaches, one that kdump-send reaches. */
#define PLAN_SFTP "sftp"
/** See above. */
#define PLAN_SEND "send"

/** "File system" of a target that is a partition without one: capture/partition_format.h has what is on it. */
#define PLAN_RAW "raw"

/** A file system of a server whose secrets are mount options. */
#define PLAN_CIFS "cifs"

/** Where the image has the secrets of a target; the number of the target follows. */
#define PLAN_SECRETS_PATH "/etc/kdump/secrets."

/** One value of the plan as a person reads it. */
struct plan_reason {
	char *key; /**< Path of the setting in the plan, "target.device"; PLAN_WARNING: of none, the user should know. */
	char *reason; /**< Why it has its value, with file:line where it comes from the configuration. */
};

/** Where the dump goes. */
struct plan_target {
	char *device; /**< "UUID=…", "LABEL=…", "PARTUUID=…" as libblkid evaluates it, never a device name; "HOST:/PATH"; "ssh://USER@HOST". */
	char *fstype; /**< "ext4", "xfs", … "nfs"; PLAN_SFTP, PLAN_SEND: not a file system, but a server; PLAN_RAW: a partition. */
	char *options; /**< Mount options, "" for none; of a server: what its programs are told. */
	char *directory; /**< Directory there, absolute, "/" at least. */
};

/** Most targets that share a dump. */
enum { PLAN_PARTS_MAX = 16 };

/** Places for when the first fails, in order: of each one in all four lists, which are as long. */
struct plan_fallback {
	char **devices, **fstypes, **options, **directories; /**< As in struct plan_target; NULL-terminated. */
};

/** The plan. All strings are owned; plan_deinit() frees them. */
struct plan {
	enum plan_form form;
	char **full_modules; /**< dracut's modules that bring up the targets; empty in the minimal form. */
	char **full_devices; /**< What dracut is told to bring up, names of the running system. Used before the crash only. */
	uint64_t full_retry_ms; /**< Until an array or a volume is started without the disks that it lacks. */
	char *hostname; /**< Of the system that makes the plan. */
	char *kernel_version; /**< uname -r of the capture kernel. */
	char *kernel_image; /**< Its file, absolute. Used before the crash only. */
	char *initrd; /**< Capture initramfs, absolute. Used before the crash only. */
	char *command_line; /**< Of the capture kernel. Used before the crash only. */
	char *kexec_options; /**< Extra words for kexec, "" for none. Used before the crash only. */
	bool has_panic_notifiers; /**< The crashed kernel tells its own notifiers first. Used before the crash only. */
	char **panic_on; /**< What else the running kernel is to panic on, as in boot/hang.h. Used before the crash only. */
	struct plan_target target;
	struct plan_fallback fallback;
	unsigned int parts; /**< The dump is split over so many of the targets, the first ones; 1: it is not. */
	char **secrets; /**< Of each target what kdump-send --secrets reads, mounting cifs, and logging in to iSCSI targets, "" of those without; never in the plan's text. NULL in one that was read. */
	char **target_files; /**< What reaching servers needs of this system; dracut finds the libraries of programs. */
	char **modules; /**< Kernel modules in load order, relative to /lib/modules/VERSION; NULL-terminated. */
	char **watchdog_modules; /**< Drivers of the hardware watchdogs; empty: there are none. */
	char **network_modules; /**< Kernel modules of the cards for notices, as modules; a module may be in both lists. */
	char **network_links; /**< Cards and VLANs, addresses, ways to servers, and to those who get notices: as in boot/ways.h. */
	char **network_addresses;
	uint64_t network_timeout_ms; /**< Until a server must have answered. */
	char **network_routes; /**< To servers that are targets, or have their disks. */
	char **iscsi_sessions; /**< "TARGET" and what struct iscsi_sessions has: the number of the target that needs the session comes first. */
	char **crypt_volumes; /**< Encrypted volumes that are targets, opened with a key that the kernel hands over: "TARGET" and what crypt_make_row() makes. */
	char **notify_routes; /**< Empty: there is nobody to tell. */
	unsigned int notify_port; /**< UDP. */
	uint64_t notify_interval_ms; /**< Between two notices. */
	unsigned int dump_level; /**< 0…31. */
	unsigned int
		loop_count; /**< Of so many crashes within loop_s seconds the last one saves the log only; 0: never. */
	unsigned int loop_s;
	char **keep_processes; /**< Names of processes whose memory is kept at every level; NULL-terminated. */
	char **encrypt_to; /**< Recipients of age, "age1…", who alone can read the dump; empty: it is not encrypted. */
	enum plan_format format;
	unsigned int threads; /**< Of the copier, at least 1. */
	char **hooks_pre, **hooks_transfer, **hooks_post, **hooks_emergency; /**< Commands, as in boot/hooks.h. */
	char **hooks_files; /**< What they need of this system; dracut finds their libraries. */
	uint64_t hooks_timeout_ms; /**< Of each command but hooks_transfer, which has the time of the copy. */
	enum plan_action final_action;
	enum plan_action failure_action;
	uint64_t deadline_ms; /**< For the whole capture. */
	uint64_t target_timeout_ms; /**< Until the device of a target must have appeared. */
	uint64_t free_disk_bytes; /**< To be left free on the target. */
	int keep_old_dumps; /**< SUSE's KDUMP_KEEP_OLD_DUMPS: 0 keeps all, -1 none, N > 0 the newest N. */
	uint64_t keep_max_bytes, keep_max_s; /**< Of all dumps together, of the age of each; 0: no limit. */
	uint64_t keep_min_free_bytes; /**< Old dumps go until so much is free. */
	unsigned int verbose; /**< SUSE's bit mask. */
	struct plan_reason *reasons;
	size_t reason_count;
};

/**
 * Bring configuration and machine together.
 *
 * @param[in] host The machine (a fake root in tests).
 * @param[in] config The configuration.
 * @param[out] ret The plan; plan_deinit() it.
 * @return NULL; ERROR_CONFIG (a value that does not fit this machine; the text names key and file:line);
 *	   ERROR_UNSUPPORTED (needs what this version cannot do yet; the text names it); ERROR_OS; ERROR_NOMEM.
 */
struct error *plan_make(const struct host *host, const struct config *config, struct plan *ret) must_check;

/**
 * Write a plan as libconfig text; the reason of each value is the comment above it.
 *
 * The same plan gives the same bytes: the text is what decides whether an initramfs is stale.
 *
 * @param[in] plan The plan.
 * @param[out] text_ret Text; free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *plan_format(const struct plan *plan, char **text_ret) must_check;

/** Write a plan as a JSON document: the groups of the text as objects, and all reasons, warnings among them, as a list. @param[in] plan The plan. @param[in] out Stream. @return NULL; ERROR_OS. */
struct error *plan_write_json(const struct plan *plan, FILE *out) must_check;

/**
 * Read a plan.
 *
 * @param[in] text Text of plan_format().
 * @param[in] name Name of the file, for messages.
 * @param[out] ret The plan, without reasons; plan_deinit() it.
 * @return NULL; ERROR_BAD_DATA (name:line and what is wrong); ERROR_UNSUPPORTED (other version); ERROR_NOMEM.
 */
struct error *plan_parse(const char *text, const char *name, struct plan *ret) must_check;

/** Targets: the first one and what comes behind it. @param[in] plan The plan. @return At least 1. */
size_t plan_target_count(const struct plan *plan);

/** One of the targets. @param[in] plan The plan. @param[in] index Below plan_target_count(). @return Its strings are the plan's. */
struct plan_target plan_target_at(const struct plan *plan, size_t index);

/** Whether a target is a server and no file system. @param[in] place The target. */
bool plan_target_is_server(const struct plan_target *place);

/** Whether a target is a partition without a file system. @param[in] place The target. */
bool plan_target_is_raw(const struct plan_target *place);

/** Word of a form, as it stands in the plan's text. @param[in] form One of the enum. @return Static. */
const char *plan_form_name(enum plan_form form);

/** Word of a format, as it stands in the plan's text. @param[in] format One of the enum. @return Static. */
const char *plan_format_name(enum plan_format format);

/** Free what a plan owns. @param[in] plan Filled, or zeroed. */
void plan_deinit(struct plan *plan);

#define _cleanup_plan_ _cleanup_(plan_deinit)

#endif
