// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The outside world behind one injectable seam: files under a root, other programs, the power switch.
 *
 * Does not know what any file or program means.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

/** A program to run. */
struct host_command {
	const char *const *argv; /**< NULL-terminated; argv[0] is a path, or a name looked up in a fixed PATH. */
	const char *const
		*environment; /**< "NAME=VALUE" beside what all get; NULL-terminated, at most 16; NULL: none. */
	const char *input; /**< Text for its standard input, or NULL for /dev/null. */
	bool is_foreground; /**< It may ask at our terminal: it stays in our process group, and has no limit of time. */
	uint64_t timeout_ms; /**< It is killed with its process group after this time; 0 is "no limit". */
	bool is_tied; /**< It ends with us, however we end. */
	size_t output_max_bytes; /**< Output kept of standard output and error together; 0: both go to ours. */
};

/** How a program ended. */
struct host_result {
	int status; /**< Exit status, or 128 + the signal's number. */
	char *output; /**< What it printed, cut at the limit, NUL at the end; NULL if it was not kept. free() it. */
};

/** What a machine may do last. */
enum host_power {
	HOST_REBOOT,
	HOST_HALT,
	HOST_POWEROFF,
};

/**
 * The world. Tests fill it with a fake root and recording functions; programs use host_init().
 *
 * Read-only after host_init(); may be shared by threads.
 */
struct host {
	int root_fd; /**< Directory that stands for "/". */
	const char *root; /**< Its path, for messages and child programs; borrowed. "/" outside of tests. */
	/** Runs a program; host_run() calls it. Default: a child process. */
	struct error *(*run)(const struct host *host, const struct host_command *command, struct host_result *ret);
	/** Last action; returns only on failure. Default: reboot(2). */
	struct error *(*power)(const struct host *host, enum host_power power);
	void *context; /**< For the functions above; not ours. */
};

/**
 * Open a root.
 *
 * @param[out] ret The world; host_deinit() it.
 * @param[in] root Directory that stands for "/"; borrowed for as long as @p ret lives.
 * @return NULL; ERROR_OS.
 */
struct error *host_init(struct host *ret, const char *root) must_check;

/** Close what host_init() opened. @param[in] host May be one whose root_fd is -1. */
void host_deinit(struct host *host);

#define _cleanup_host_ _cleanup_(host_deinit)

/**
 * Open a path below the root. Links are followed inside the root only (openat2, RESOLVE_IN_ROOT).
 *
 * @param[in] host The world.
 * @param[in] path Absolute, as the running system sees it.
 * @param[in] flags As open(2); O_CLOEXEC is added.
 * @param[in] mode Permission bits for O_CREAT.
 * @param[out] fd_ret Descriptor; close() it.
 * @return NULL; ERROR_OS with the errno value (ENOENT …).
 */
struct error *host_open(const struct host *host, const char *path, int flags, mode_t mode, int *fd_ret) must_check;

/** Whether a path exists below the root. @param[in] host The world. @param[in] path Absolute. @return false also on error. */
bool host_exists(const struct host *host, const char *path);

/**
 * Size, type and times of a file below the root (links followed).
 *
 * @param[in] host The world.
 * @param[in] path Absolute.
 * @param[out] ret As stat(2).
 * @return NULL; ERROR_OS.
 */
struct error *host_stat(const struct host *host, const char *path, struct stat *ret) must_check;

/**
 * Read a whole file below the root.
 *
 * @param[in] host The world.
 * @param[in] path Absolute.
 * @param[in] max_bytes A larger file is ERROR_BAD_DATA.
 * @param[out] ret Bytes and a final NUL; free() it.
 * @param[out] size_ret Bytes without the NUL; may be NULL.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM. Texts start with the path.
 */
struct error *host_read(const struct host *host, const char *path, size_t max_bytes, char **ret,
                        size_t *size_ret) must_check;

/**
 * Replace a file below the root, as io_replace_at(); missing directories are made with mode 0755.
 *
 * @param[in] host The world.
 * @param[in] path Absolute.
 * @param[in] buf Bytes.
 * @param[in] size_bytes Their number.
 * @param[in] mode Permission bits.
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *host_replace(const struct host *host, const char *path, const void *buf, size_t size_bytes,
                           mode_t mode) must_check;

/**
 * Replace a file below the root that is there, as io_replace_at(): it keeps its permission bits, its owner and its attributes, as
 * io_replace_like_at() says. Where the path is a link, what it leads to is replaced.
 *
 * @param[in] host The world.
 * @param[in] path Absolute.
 * @param[in] buf Bytes.
 * @param[in] size_bytes Their number.
 * @return NULL; ERROR_OS (also: it is not there, is no file, or its owner or attributes cannot be kept); ERROR_NOSPC; ERROR_NOMEM.
 */
struct error *host_rewrite(const struct host *host, const char *path, const void *buf, size_t size_bytes) must_check;

/** Remove a file below the root. @param[in] host The world. @param[in] path Absolute. @return NULL; ERROR_OS (also: it is not there); ERROR_NOMEM. */
struct error *host_remove(const struct host *host, const char *path) must_check;

/**
 * Make a directory and its parents below the root, mode 0755. It is no error if it exists.
 *
 * @param[in] host The world.
 * @param[in] path Absolute.
 * @return NULL; ERROR_OS.
 */
struct error *host_mkdirs(const struct host *host, const char *path) must_check;

/**
 * Target of a symbolic link below the root.
 *
 * @param[in] host The world.
 * @param[in] path Absolute.
 * @param[out] ret Text of the link; free() it.
 * @return NULL; ERROR_OS (EINVAL: not a link).
 */
struct error *host_readlink(const struct host *host, const char *path, char **ret) must_check;

/**
 * Names in a directory below the root, sorted bytewise, without "." and "..".
 *
 * @param[in] host The world.
 * @param[in] path Absolute.
 * @param[out] names_ret NULL-terminated; host_names_free() it. Empty if the directory does not exist.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *host_list(const struct host *host, const char *path, char ***names_ret) must_check;

/** Free a list of host_list(). @param[in] names May be NULL. */
void host_names_free(char **names);

/** Guard form of host_names_free(). @param[in] names Address of the variable. */
static inline void host_names_freep(char ***names)
{
	host_names_free(*names);
}

/**
 * Run a program and wait for it.
 *
 * The program gets a clean environment (PATH, LANG=C, and TERM, HOME), no open descriptors of ours, and its own process
 * group.
 *
 * @param[in] host The world.
 * @param[in] command What to run.
 * @param[out] ret How it ended; host_result_deinit() it, also after an error. A status other than 0 is not an error.
 * @return NULL; ERROR_OS (it could not be started); ERROR_TIMEOUT (killed; what it printed is there); ERROR_NOMEM.
 */
struct error *host_run(const struct host *host, const struct host_command *command, struct host_result *ret) must_check;

/** Free the output. @param[in] result Filled by host_run(), or zeroed. */
void host_result_deinit(struct host_result *result);

/** Last action of the machine. @param[in] host The world. @param[in] power Which. @return Only on failure: ERROR_OS. */
struct error *host_power(const struct host *host, enum host_power power) must_check;

#endif
