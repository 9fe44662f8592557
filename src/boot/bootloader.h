// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Kernel parameters of the next boot, in the configuration of the boot loader that is there.
 *
 * Does not know which parameters are wanted, and why (boot/crashkernel.h). Files are read as text and never executed.
 */
#ifndef BOOT_BOOTLOADER_H
#define BOOT_BOOTLOADER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/changes.h"
#include "boot/parameters.h"
#include "boot/words.h"

/** All kernels that the boot loader knows. */
#define BOOTLOADER_ALL "ALL"

/** The one that it starts when nobody chooses. */
#define BOOTLOADER_DEFAULT "DEFAULT"

/** What is there now: of each place that has a command line its name and the parameters that were asked for, " " between them. */
struct bootloader_view {
	struct words where; /**< For a person: a file, "default kernel". */
	struct words values; /**< As many; "" for none. */
};

/** A file that programs make, put back when one of them fails. */
struct bootloader_menu {
	char *path; /**< NULL: there is none to put back. */
	char *before; /**< NULL: it was not there. */
};

/** What is to be done. */
struct bootloader_task {
	struct parameters_change change;
	const char *kernel; /**< BOOTLOADER_ALL, BOOTLOADER_DEFAULT, or the path of a kernel's image. */
	struct changes
		changes; /**< Files that a back-end wants changed; all back-ends together fill them, one makes them. */
	struct words
		commands; /**< Programs that are run when the files are changed: words, each list ended by an empty word. */
	struct words
		undo; /**< The same, when files were put back: what they make is not read by the machine, but what a program made of them. */
	struct bootloader_menu menu; /**< bootloader_keep_menu(). */
	struct words notes; /**< What else a person should know. */
};

/**
 * A boot loader.
 *
 * To add one: a file bootloader_NAME.c with a constant of this type, a line in the list in bootloader.c at a place where no earlier
 * one is there too, a fake root in tests/roots, a case in tests/unit/test_bootloader.c, its line in kdumpctl(8).
 *
 * plan() thinks out what is to be done and changes nothing: texts of files by changes_add(), programs by
 * bootloader_command(), what these make by bootloader_keep_menu(). A boot loader that has a program of its own for its parameters has no files here. bootloader_run() does
 * the rest: dry runs, undoing files when a program fails, reading back.
 */
struct bootloader {
	const char *name; /**< For a person. */
	/** Whether it is what boots this machine. Reads files only. */
	bool (*is_there)(const struct host *host);
	/** What is there: parameters of some names, of all kernels. May run programs. NULL-terminated names. */
	struct error *(*view)(const struct host *host, const char *const *names, struct bootloader_view *view);
	/** What must be done. May run programs that only tell. */
	struct error *(*plan)(const struct host *host, struct bootloader_task *task);
	/** When all is done: whether it took effect, where that can be read; an error if not. NULL: there is nothing to look at. */
	struct error *(*check)(const struct host *host, const struct bootloader_task *task);
};

/** rpm-ostree's deployments: "rpm-ostree kargs". */
extern const struct bootloader bootloader_ostree;
/** SUSE's layer over its boot loaders: "pbl". */
extern const struct bootloader bootloader_pbl;
/** systemd-boot: entries on the EFI system partition or /boot, and /etc/kernel/cmdline for those that kernel-install makes. */
extern const struct bootloader bootloader_systemd;
/** Boot Loader Specification entries that GRUB or zipl read: grubby, else the files themselves. */
extern const struct bootloader bootloader_bls;
/** zipl on s390: /etc/zipl.conf. */
extern const struct bootloader bootloader_zipl;
/** GRUB with a generated grub.cfg: /etc/default/grub, and a file of ours beside it where that is read. */
extern const struct bootloader bootloader_grub;

/**
 * Find out which boot loader is there.
 *
 * @param[in] host The machine.
 * @param[out] ret It; static.
 * @return NULL; ERROR_UNSUPPORTED (none that is known).
 */
struct error *bootloader_find(const struct host *host, const struct bootloader **ret) must_check;

/**
 * Do a task.
 *
 * @param[in] host The machine.
 * @param[in] loader The boot loader.
 * @param[in,out] task What; its lists are empty before, and tell afterwards.
 * @param[in] is_dry Only think it out.
 * @return NULL; ERROR_CONFIG (a file cannot be understood: file:line); ERROR_UNSUPPORTED (this loader cannot do that); ERROR_OS (files are
 *	   as they were, if the text says nothing else); ERROR_NOSPC; ERROR_TIMEOUT; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *bootloader_run(const struct host *host, const struct bootloader *loader, struct bootloader_task *task,
                             bool is_dry) must_check;

/** Tell what a task is to do, or did: files as diff does, programs as "run …". @param[in] task Filled. @param[in,out] ret One line each. */
void bootloader_tell(const struct bootloader_task *task, struct words *ret);

/** Free what a task owns. @param[in] task Used, or zeroed. */
void bootloader_task_deinit(struct bootloader_task *task);

/** Free what a view owns. @param[in] view Filled, or zeroed. */
void bootloader_view_deinit(struct bootloader_view *view);

/** For back-ends: a program to run. @param[in,out] task The task. @param[in] argv NULL-terminated. */
void bootloader_command(struct bootloader_task *task, const char *const *argv);

/** For back-ends: a program to run behind the others, and again when one of them failed and the files were put back. @param[in,out] task The task. @param[in] argv NULL-terminated. */
void bootloader_command_again(struct bootloader_task *task, const char *const *argv);

/** For back-ends: note what a file is that the programs make anew. @param[in] host The machine. @param[in] path Absolute. @param[in,out] task The task, without one. @return NULL; ERROR_OS; ERROR_BAD_DATA (larger than 16 MiB, or no text); ERROR_NOMEM. */
struct error *bootloader_keep_menu(const struct host *host, const char *path, struct bootloader_task *task) must_check;

/** For back-ends: read such a file. @param[in] host The machine. @param[in] path Absolute. @param[out] ret Its text; NULL if it is not there; free() it. @return As bootloader_keep_menu(). */
struct error *bootloader_read_menu(const struct host *host, const char *path, char **ret) must_check;

/** For back-ends: note the parameters of some names in a line. @param[in,out] view The view. @param[in] where What the line is. @param[in] line The line. @param[in] names NULL-terminated. @return NULL; ERROR_NOMEM. */
struct error *bootloader_note(struct bootloader_view *view, const char *where, const struct parameters_line *line,
                              const char *const *names) must_check;

/** For back-ends: run a program that tells something. @param[in] host The machine. @param[in] argv NULL-terminated. @param[out] ret What it printed; free() it. @return NULL; ERROR_OS (also: it failed); ERROR_TIMEOUT; ERROR_NOMEM. */
struct error *bootloader_ask(const struct host *host, const char *const *argv, char **ret) must_check;

/** For back-ends: whether a program is installed. @param[in] host The machine. @param[in] name Without a directory. */
bool bootloader_has_program(const struct host *host, const char *name);

/** For back-ends that cannot tell kernels apart: refuse a task for one of them. @param[in] loader The back-end. @param[in] task The task. @return NULL; ERROR_UNSUPPORTED. */
struct error *bootloader_all_only(const struct bootloader *loader, const struct bootloader_task *task) must_check;

#endif
