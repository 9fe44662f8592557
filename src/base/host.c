// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"
#include "base/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

// A child must find the same programs no matter who calls us: a cron job, an installer, systemd.
static const char child_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Renames that a path may meet before we give up: far more than happen in the time.
enum { RESOLVE_TRIES = 1000 };

// As the kernel's MAXSYMLINKS.
enum { LINKS_MAX = 40 };

static struct error *run_child(const struct host *host, const struct host_command *command, struct host_result *ret);
static struct error *power_kernel(const struct host *host, enum host_power power);

struct error *host_init(struct host *ret, const char *root)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_os(errno, "open root %s", root);
	*ret = (struct host){
		.root_fd = fd,
		.root = root,
		.run = run_child,
		.power = power_kernel,
	};
	return NULL;
}

void host_deinit(struct host *host)
{
	if (host->root_fd >= 0)
		close(host->root_fd);
	host->root_fd = -1;
}

static int open_in_root(const struct host *host, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	int fd = -1;

	// openat2(2): EAGAIN where "..", as in the links of /sys, is met while anything anywhere is renamed. Trying again is
	// what the manual page says; it ends at once but for a storm of renames.
	for (int i = 0; i < RESOLVE_TRIES; i++) {
		fd = (int)syscall(SYS_openat2, host->root_fd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	// Kernels before v5.6, and units with RestrictSUIDSGID=, of which udev's is one. In the real root nothing leads out of it.
	if (fd < 0 && errno == ENOSYS && strcmp(host->root, "/") == 0)
		fd = openat(host->root_fd, path, flags | O_CLOEXEC, mode);
	return fd;
}

struct error *host_open(const struct host *host, const char *path, int flags, mode_t mode, int *fd_ret)
{
	int fd = open_in_root(host, path, flags, mode);

	if (fd < 0)
		return error_os(errno, "%s", path);
	*fd_ret = fd;
	return NULL;
}

bool host_exists(const struct host *host, const char *path)
{
	_cleanup_close_ int fd = open_in_root(host, path, O_PATH, 0);

	return fd >= 0;
}

struct error *host_stat(const struct host *host, const char *path, struct stat *ret)
{
	_cleanup_close_ int fd = open_in_root(host, path, O_PATH, 0);

	if (fd < 0 || fstat(fd, ret) < 0)
		return error_os(errno, "%s", path);
	return NULL;
}

struct error *host_read(const struct host *host, const char *path, size_t max_bytes, char **ret, size_t *size_ret)
{
	_cleanup_close_ int fd = open_in_root(host, path, O_RDONLY, 0);

	if (fd < 0)
		return error_os(errno, "%s", path);
	return error_wrap(io_read_all(fd, max_bytes, ret, size_ret), "%s", path);
}

// Parents are opened one by one: a path is never handed to the kernel outside of the root.
struct error *host_mkdirs(const struct host *host, const char *path)
{
	_cleanup_close_ int at = open_in_root(host, "/", O_PATH | O_DIRECTORY, 0);
	_cleanup_free_ char *copy = strdup(path);
	char *rest = copy;
	size_t done = 0;

	if (!copy)
		return error_new(ERROR_NOMEM, "no memory for a path");
	if (at < 0)
		return error_os(errno, "%s", host->root);
	for (char *name = strtok_r(copy, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		_cleanup_free_ char *prefix = NULL;
		int next;

		if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
			return error_os(errno, "make directory %s", path);
		done = (size_t)(name - copy) + strlen(name);
		prefix = strndup(path, done);
		if (!prefix)
			return error_new(ERROR_NOMEM, "no memory for a path");
		next = open_in_root(host, prefix, O_PATH | O_DIRECTORY, 0);
		if (next < 0)
			return error_os(errno, "%s", prefix);
		close(at);
		at = next;
	}
	return NULL;
}

// The directory of a path, opened, and the name in it. It must be there.
static struct error *open_parent(const struct host *host, const char *path, int *dir_fd_ret, const char **name_ret)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path)) : NULL;

	if (!slash)
		return error_os(EINVAL, "%s", path);
	if (!dir)
		return error_new(ERROR_NOMEM, "no memory for a path");
	*dir_fd_ret = open_in_root(host, *dir ? dir : "/", O_RDONLY | O_DIRECTORY, 0);
	*name_ret = slash + 1;
	return *dir_fd_ret < 0 ? error_os(errno, "%s", dir) : NULL;
}

struct error *host_replace(const struct host *host, const char *path, const void *buf, size_t size_bytes, mode_t mode)
{
	_cleanup_free_ char *dir = strdup(path);
	_cleanup_close_ int dir_fd = -1;
	const char *name = NULL;
	struct error *err;
	char *slash;

	if (!dir)
		return error_new(ERROR_NOMEM, "no memory for a path");
	slash = strrchr(dir, '/');
	if (!slash)
		return error_os(EINVAL, "%s", path);
	*slash = '\0';
	err = host_mkdirs(host, dir);
	if (!err)
		err = open_parent(host, path, &dir_fd, &name);
	return err ? err : error_wrap(io_replace_at(dir_fd, name, buf, size_bytes, mode), "%s", path);
}

// What a link leads to, as a path below the root; the path itself if it is none.
static struct error *follow(const struct host *host, const char *path, char **ret)
{
	_cleanup_free_ char *at = strdup(path);

	for (int i = 0; at && i < LINKS_MAX; i++) {
		_cleanup_free_ char *target = NULL;
		char *next = NULL;
		struct error *err = host_readlink(host, at, &target);

		if (err && err->errnum == EINVAL) {
			error_free(err);
			*ret = take_ptr(at);
			return NULL;
		}
		if (err)
			return err;
		if (asprintf(&next, "%.*s%s", *target == '/' ? 0 : (int)(strrchr(at, '/') + 1 - at), at, target) < 0)
			next = NULL;
		free(at);
		at = next;
	}
	return at ? error_os(ELOOP, "%s", path) : error_new(ERROR_NOMEM, "no memory for a path");
}

struct error *host_rewrite(const struct host *host, const char *path, const void *buf, size_t size_bytes)
{
	_cleanup_free_ char *real = NULL;
	_cleanup_close_ int dir_fd = -1;
	const char *name = NULL;
	struct stat info;
	struct error *err = *path == '/' ? follow(host, path, &real) : error_os(EINVAL, "%s", path);

	if (!err)
		err = host_stat(host, real, &info);
	if (!err && !S_ISREG(info.st_mode))
		err = error_os(EINVAL, "%s: it is no file", path);
	if (!err)
		err = open_parent(host, real, &dir_fd, &name);
	return err ? err : error_wrap(io_replace_like_at(dir_fd, name, buf, size_bytes, &info), "%s", path);
}

struct error *host_remove(const struct host *host, const char *path)
{
	_cleanup_close_ int dir_fd = -1;
	const char *name = NULL;
	struct error *err = open_parent(host, path, &dir_fd, &name);

	if (!err && unlinkat(dir_fd, name, 0) < 0)
		err = error_os(errno, "remove %s", path);
	return err;
}

struct error *host_readlink(const struct host *host, const char *path, char **ret)
{
	_cleanup_close_ int fd = open_in_root(host, path, O_PATH | O_NOFOLLOW, 0);
	char target[4096];
	ssize_t n;

	if (fd < 0)
		return error_os(errno, "%s", path);
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return error_os(errno == ENOENT ? EINVAL : errno, "read link %s", path);
	*ret = strndup(target, (size_t)n);
	return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for a link");
}

void host_names_free(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct error *append_name(char ***names, size_t *count, const char *name)
{
	char **grown = realloc(*names, (*count + 2) * sizeof(**names));

	if (!grown)
		return error_new(ERROR_NOMEM, "no memory for a directory");
	*names = grown;
	grown[*count + 1] = NULL;
	grown[*count] = strdup(name);
	return grown[(*count)++] ? NULL : error_new(ERROR_NOMEM, "no memory for a directory");
}

struct error *host_list(const struct host *host, const char *path, char ***names_ret)
{
	_cleanup_(host_names_freep) char **names = calloc(1, sizeof(*names));
	_cleanup_close_ int fd = open_in_root(host, path, O_RDONLY | O_DIRECTORY, 0);
	_cleanup_closedir_ DIR *dir = NULL;
	size_t count = 0;

	if (!names)
		return error_new(ERROR_NOMEM, "no memory for a directory");
	if (fd < 0 && errno != ENOENT)
		return error_os(errno, "%s", path);
	if (fd >= 0) {
		dir = fdopendir(fd);
		if (!dir)
			return error_os(errno, "%s", path);
		take_fd(&fd);
		for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
			struct error *err = NULL;

			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				err = append_name(&names, &count, entry->d_name);
			if (err)
				return err;
		}
	}
	qsort(names, count, sizeof(*names), compare_names);
	*names_ret = take_ptr(names);
	return NULL;
}

enum { ENVIRONMENT_MAX = 16 };

static _Noreturn void exec_child(const struct host_command *command, pid_t parent, int input_fd, int output_fd,
                                 int error_fd)
{
	const char *home = getenv("HOME");
	const char *term = getenv("TERM");
	char home_env[512], term_env[128];
	char path_env[sizeof(child_path) + 5];
	char *env[5 + ENVIRONMENT_MAX + 1] = {(char *)"LANG=C", (char *)"LC_ALL=C", home_env, term_env, path_env};
	sigset_t none;
	int errnum;

	snprintf(path_env, sizeof(path_env), "PATH=%s", child_path);
	snprintf(home_env, sizeof(home_env), "HOME=%s", home ? home : "/root");
	snprintf(term_env, sizeof(term_env), "TERM=%s", term ? term : "dumb");
	for (size_t i = 0; i < ENVIRONMENT_MAX && command->environment && command->environment[i]; i++)
		env[5 + i] = (char *)command->environment[i];
	if (!command->is_foreground)
		setpgid(0, 0);
	if (command->is_tied && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(input_fd, 0) < 0 || (output_fd >= 0 && (dup2(output_fd, 1) < 0 || dup2(output_fd, 2) < 0)))
		_exit(127);
	// What somebody else left open on its way to us is none of the program's business. Before Linux 5.11 it goes on.
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	// execvpe searches our PATH, not the one in env.
	setenv("PATH", child_path, 1);
	execvpe(command->argv[0], (char *const *)command->argv, env);
	errnum = errno;
	(void)!write(error_fd, &errnum, sizeof(errnum));
	_exit(127);
}

// Collects output until the pipe closes or time is over. Output beyond the limit is read and dropped, so that the child
// never blocks on a full pipe.
static struct error *collect(int fd, const struct host_command *command, uint64_t end_ms, char *buf)
{
	char waste[4096];
	size_t used = 0;

	for (;;) {
		struct pollfd pollfd = {.fd = fd, .events = POLLIN};
		uint64_t now = clock_now_ms();
		size_t room = command->output_max_bytes - used;
		int wait_ms = -1;
		ssize_t n;

		if (command->timeout_ms) {
			if (now >= end_ms)
				return error_new(ERROR_TIMEOUT, "no end after %ju ms", (uintmax_t)command->timeout_ms);
			wait_ms = end_ms - now > 3600000 ? 3600000 : (int)(end_ms - now);
		}
		if (poll(&pollfd, 1, wait_ms) <= 0)
			continue;
		n = read(fd, room ? buf + used : waste, room ? room : sizeof(waste));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (room)
			used += (size_t)n;
		buf[used] = '\0';
	}
	return NULL;
}

// A killed process is gone in this time.
enum { KILL_MS = 3000 };

// A pidfd gives the end of a child as an event, so that waiting with a deadline needs neither a signal nor a poll loop.
static struct error *wait_child(pid_t pid, const struct host_command *command, uint64_t end_ms, bool is_killed,
                                int *status_ret)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct error *err = NULL;
	siginfo_t info = {0};

	while (!is_killed && command->timeout_ms && pidfd >= 0) {
		struct pollfd pollfd = {.fd = pidfd, .events = POLLIN};
		uint64_t now = clock_now_ms();

		if (now >= end_ms) {
			err = error_new(ERROR_TIMEOUT, "no end after %ju ms", (uintmax_t)command->timeout_ms);
			kill(-pid, SIGKILL);
			is_killed = true;
			break;
		}
		if (poll(&pollfd, 1, end_ms - now > 3600000 ? 3600000 : (int)(end_ms - now)) > 0)
			break;
	}
	// Dead at once, unless it waits for a device: then no time is enough, and it is left behind.
	if (is_killed && pidfd >= 0) {
		struct pollfd pollfd = {.fd = pidfd, .events = POLLIN};

		if (poll(&pollfd, 1, KILL_MS) == 0)
			return err;
	}
	while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
		;
	*status_ret = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return err;
}

static struct error *input_open(const struct host_command *command, int *fd_ret)
{
	_cleanup_close_ int fd = -1;
	struct error *err;

	if (!command->input) {
		*fd_ret = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return *fd_ret < 0 ? error_os(errno, "/dev/null") : NULL;
	}
	fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return error_os(errno, "memfd_create");
	err = io_write(fd, command->input, strlen(command->input));
	if (err)
		return err;
	lseek(fd, 0, SEEK_SET);
	*fd_ret = take_fd(&fd);
	return NULL;
}

struct pipe_ends {
	int read_fd;
	int write_fd;
};

static struct error *pipe_ends_init(struct pipe_ends *ret)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_os(errno, "pipe");
	*ret = (struct pipe_ends){fds[0], fds[1]};
	return NULL;
}

static void pipe_ends_close_write(struct pipe_ends *ends)
{
	closep(&ends->write_fd);
	ends->write_fd = -1;
}

static void pipe_ends_deinit(struct pipe_ends *ends)
{
	closep(&ends->read_fd);
	pipe_ends_close_write(ends);
}

static struct error *run_child(const struct host *host, const struct host_command *command, struct host_result *ret)
{
	uint64_t end_ms = clock_now_ms() + command->timeout_ms;
	_cleanup_free_ char *buf = calloc(1, command->output_max_bytes + 1);
	_cleanup_close_ int input_fd = -1;
	_cleanup_(pipe_ends_deinit) struct pipe_ends output = {-1, -1};
	_cleanup_(pipe_ends_deinit) struct pipe_ends failed = {-1, -1};
	_cleanup_error_ struct error *late = NULL;
	struct error *err;
	pid_t parent = getpid(), pid;
	int status, errnum;

	(void)host;
	if (!buf)
		return error_new(ERROR_NOMEM, "no memory for the output of %s", command->argv[0]);
	err = input_open(command, &input_fd);
	if (err)
		return err;
	err = command->output_max_bytes ? pipe_ends_init(&output) : NULL;
	if (!err)
		err = pipe_ends_init(&failed);
	if (err)
		return err;
	pid = fork();
	if (pid == 0)
		exec_child(command, parent, input_fd, output.write_fd, failed.write_fd);
	pipe_ends_close_write(&output);
	pipe_ends_close_write(&failed);
	if (pid < 0)
		return error_os(errno, "fork");
	if (!command->is_foreground)
		setpgid(pid, pid);
	if (read(failed.read_fd, &errnum, sizeof(errnum)) == sizeof(errnum)) {
		waitpid(pid, &status, 0);
		return error_os(errnum, "%s", command->argv[0]);
	}
	if (command->output_max_bytes)
		err = collect(output.read_fd, command, end_ms, buf);
	if (err)
		kill(-pid, SIGKILL);
	late = wait_child(pid, command, end_ms, err, &status);
	if (!err)
		err = take_ptr(late);
	ret->output = command->output_max_bytes ? take_ptr(buf) : NULL;
	if (err)
		return error_wrap(err, "%s", command->argv[0]);
	ret->status = status;
	return NULL;
}

struct error *host_run(const struct host *host, const struct host_command *command, struct host_result *ret)
{
	return host->run(host, command, ret);
}

void host_result_deinit(struct host_result *result)
{
	free(result->output);
	result->output = NULL;
}

static struct error *power_kernel(const struct host *host, enum host_power power)
{
	static const int commands[] = {
		[HOST_REBOOT] = RB_AUTOBOOT,
		[HOST_HALT] = RB_HALT_SYSTEM,
		[HOST_POWEROFF] = RB_POWER_OFF,
	};

	(void)host;
	sync();
	reboot(commands[power]);
	return error_os(errno, "reboot");
}

struct error *host_power(const struct host *host, enum host_power power)
{
	return host->power(host, power);
}
