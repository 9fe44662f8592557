// SPDX-License-Identifier: GPL-2.0-or-later
// gdb: the debugger on a dump as it is, through a process that answers its remote protocol (cmd/inspect_serve.h).
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd/inspect_commands.h"
#include "cmd/inspect_debug.h"
#include "cmd/inspect_dump.h"
#include "cmd/inspect_serve.h"
#include "core/arch.h"
#include "report/gdbstub.h"
#include "report/symbolfile.h"

// Files of a session, in a directory of its own.
struct files {
	char *directory;
	char *symbols; // An ELF file.
	char *script; // What gdb does first.
	char *socket;
};

static void remove_files(struct files *files)
{
	if (files->socket)
		unlink(files->socket);
	if (files->script)
		unlink(files->script);
	if (files->symbols)
		unlink(files->symbols);
	if (files->directory)
		rmdir(files->directory);
	free(files->socket);
	free(files->script);
	free(files->symbols);
	free(files->directory);
}

static struct error *make_directory(struct files *files)
{
	const char *base = getenv("TMPDIR");
	char *directory;

	if (asprintf(&directory, "%s/kdump-gdb.XXXXXX", base && base[0] == '/' ? base : "/tmp") < 0)
		return error_new(ERROR_NOMEM, "out of memory");
	// A newline would end the command of gdb that names a file there.
	if (strpbrk(directory, "\n\r"))
		errno = EINVAL;
	else if (mkdtemp(directory))
		files->directory = directory;
	if (!files->directory) {
		struct error *err = error_os(errno, "a temporary directory %s", directory);

		free(directory);
		return err;
	}
	if (asprintf(&files->symbols, "%s/symbols", directory) < 0)
		files->symbols = NULL;
	if (asprintf(&files->script, "%s/script", directory) < 0)
		files->script = NULL;
	if (asprintf(&files->socket, "%s/socket", directory) < 0)
		files->socket = NULL;
	if (!files->symbols || !files->script || !files->socket)
		return error_new(ERROR_NOMEM, "out of memory");
	return NULL;
}

static struct error *create(const char *path, FILE **ret)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	*ret = fd >= 0 ? fdopen(fd, "we") : NULL;
	if (*ret)
		return NULL;
	if (fd >= 0)
		close(fd);
	return error_os(errno, "%s", path);
}

// Closes the file too; what a full disk did not take is an error.
static struct error *finish(FILE *file, const char *path)
{
	bool is_bad = ferror(file);

	return fclose(file) != 0 || is_bad ? error_os(errno ? errno : EIO, "%s", path) : NULL;
}

static struct error *write_symbols(const struct inspect_dump *dump, const char *path, bool has_kernel,
                                   size_t *count_ret)
{
	char why[KERNEL_WHY_BYTES];
	struct error *err, *end;
	FILE *file;

	err = create(path, &file);
	if (err)
		return err;
	err = symbolfile_write(dump->machine->kernel, dump->machine->symbols, has_kernel, file, count_ret, why);
	if (!err && why[0])
		fprintf(stderr, "kdump-inspect: warning: not all names are known: %s\n", why);
	end = finish(file, path);
	if (!err)
		return end;
	error_free(end);
	return err;
}

// As gdb's commands take names of files.
static void put_path(const char *path, FILE *out)
{
	for (; *path; path++) {
		if (strchr(" \t\\\"'", *path))
			putc('\\', out);
		putc(*path, out);
	}
}

// Linux kernel/vmcore_info.c: VMCOREINFO_..., arch_crash_save_vmcoreinfo(): by how much it was moved.
static uint64_t moved_by(const struct vmcore *core)
{
	char text[24];

	return vmcoreinfo_string(&core->info, "KERNELOFFSET", text, sizeof(text)) ? strtoull(text, NULL, 16) : 0;
}

// Of gdb's own commands bt loses its short name; what unwinds by debugging information is there: backtrace, frame, up.
#define DEFINITIONS                                                                                                    \
	"define bt\n"                                                                                                  \
	"  if $argc == 0\n"                                                                                            \
	"    eval \"monitor bt --thread %d\", $_thread\n"                                                              \
	"  end\n"                                                                                                      \
	"  if $argc == 1\n    monitor bt $arg0\n  end\n"                                                               \
	"  if $argc == 2\n    monitor bt $arg0 $arg1\n  end\n"                                                         \
	"end\n"                                                                                                        \
	"document bt\n"                                                                                                \
	"Stack of a task, by the kernel's own tables: bt, bt PID, bt TASK, bt -c CPU, bt -a.\n"                        \
	"Without an argument: of the thread that is selected. gdb's own is backtrace.\nend\n"                          \
	"define btpid\n  monitor bt $arg0\nend\n"                                                                      \
	"document btpid\nStack of a task: btpid PID.\nend\n"                                                           \
	"define btt\n  monitor bt -a\nend\n"                                                                           \
	"document btt\nStacks of all tasks.\nend\n"                                                                    \
	"define ps\n  if $argc == 0\n    monitor ps\n  else\n    monitor ps $arg0\n  end\nend\n"                       \
	"document ps\nThe tasks; ps -u: without those of the kernel.\nend\n"                                           \
	"define dmesg\n  monitor dmesg\nend\n"                                                                         \
	"document dmesg\nThe kernel's log.\nend\n"

// What gdb does first.
struct beginning {
	const struct inspect_dump *dump;
	const struct files *files;
	const struct gdbstub *stub;
	const struct debugkernel_found *found;
	size_t symbol_count; // In files->symbols.
};

static struct error *write_script(const struct beginning *beginning)
{
	const struct gdbthreads *threads = gdbstub_threads(beginning->stub);
	const char *architecture = gdbstub_architecture(beginning->stub);
	uint64_t offset = moved_by(beginning->dump->core);
	struct error *err;
	FILE *out;

	err = create(beginning->files->script, &out);
	if (err)
		return err;
	// Nothing can be lost: it does not ask before it ends.
	fputs("set confirm off\nset remotetimeout 60\n", out);
	if (beginning->symbol_count) {
		// Without a program gdb warns that it has none; this one has no bytes.
		fputs("exec-file ", out);
		put_path(beginning->files->symbols, out);
		fputs("\nsymbol-file ", out);
		put_path(beginning->files->symbols, out);
		fputs("\n", out);
	} else if (architecture) {
		fprintf(out, "set architecture %s\n", architecture);
	}
	if (beginning->found->debug) {
		fputs("add-symbol-file ", out);
		put_path(beginning->found->debug, out);
		fprintf(out, " -o %#" PRIx64 "%s\n", offset,
		        beginning->found->file.is_per_cpu_at_0 ? " -s .data..percpu 0" : "");
	}
	fputs(DEFINITIONS, out);
	fprintf(out, "target remote %s\n", beginning->files->socket);
	fprintf(out,
	        "echo Tasks: %zu%s. Commands: bt [PID], btpid PID, btt, ps, dmesg, monitor help; gdb's own bt is "
	        "backtrace.\\n\n",
	        threads->count, threads->why[0] ? " (there may be more)" : "");
	return finish(out, beginning->files->script);
}

static struct error *listen_at(const char *path, int *ret)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return error_os(errno, "a socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return error_new(ERROR_UNSUPPORTED,
		                 "%s: too long for the name of a socket: TMPDIR may name another directory", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return error_os(errno, "%s", path);
	*ret = take_fd(&fd);
	return NULL;
}

// It ends with gdb, however that ends, and keys that are pressed at the terminal are gdb's alone.
static void be_server(struct inspect_serve *serve, struct files *files, pid_t parent)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t signals;

	setpgid(0, 0);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	serve->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (null_fd >= 0) {
		dup2(null_fd, STDIN_FILENO);
		dup2(null_fd, STDOUT_FILENO);
		dup2(null_fd, STDERR_FILENO);
		close(null_fd);
	}
	if (serve->signal_fd >= 0 && getppid() == parent)
		inspect_serve_run(serve);
	remove_files(files);
}

static struct error *start_gdb(const char *program, const struct files *files, const struct inspect_debug *words)
{
	char *arguments[INSPECT_DEBUG_WORDS + 8];
	size_t count = 0;

	arguments[count++] = (char[]){"gdb"};
	arguments[count++] = (char[]){"-q"};
	arguments[count++] = (char[]){"-x"};
	arguments[count++] = files->script;
	for (int i = 0; i < words->more_count; i++)
		arguments[count++] = words->more[i];
	arguments[count] = NULL;
	execv(program, arguments);
	return error_os(errno, "%s", program);
}

static struct error *make_session(const struct inspect_dump *dump, const struct debugkernel_found *found,
                                  struct files *files, struct inspect_serve *serve)
{
	struct beginning beginning = {.dump = dump, .files = files, .stub = serve->stub, .found = found};
	struct error *err = make_directory(files);

	if (!err)
		err = write_symbols(dump, files->symbols, !found->debug, &beginning.symbol_count);
	if (!err)
		err = write_script(&beginning);
	if (!err)
		err = listen_at(files->socket, &serve->listen_fd);
	return err;
}

// Of another machine than ours Debian's gdb knows nothing; other distributions' knows all.
static struct error *find_gdb(const struct vmcore *core, char **ret)
{
	struct utsname ours;
	struct error *err;

	if (uname(&ours) == 0 && strcmp(ours.machine, core->arch->uname_machine) != 0) {
		err = inspect_debug_program("gdb-multiarch", ret);
		if (!err)
			return NULL;
		error_free(err);
	}
	return inspect_debug_program("gdb", ret);
}

struct error *inspect_commands_gdb(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump = {.path = NULL};
	_cleanup_(debugkernel_found_deinit) struct debugkernel_found found = {.debug = NULL};
	_cleanup_(gdbstub_destroyp) struct gdbstub *stub = NULL;
	_cleanup_free_ char *program = NULL;
	struct inspect_serve serve = {.dump = &dump, .listen_fd = -1, .signal_fd = -1};
	struct files files = {.directory = NULL};
	struct inspect_debug words;
	pid_t parent = getpid(), child;
	struct error *err = inspect_debug_parse(argc, argv, &words);

	if (!err)
		err = inspect_dump_open(words.own_count, words.own, 0, 0, &dump);
	if (!err)
		err = find_gdb(dump.core, &program);
	if (!err)
		err = inspect_dump_machine(&dump);
	if (!err)
		err = inspect_debug_find(&dump, &words, false, false, &found);
	if (!err)
		err = gdbstub_create(dump.machine, &stub);
	serve.stub = stub;
	if (!err)
		err = make_session(&dump, &found, &files, &serve);
	if (err) {
		remove_files(&files);
		return err;
	}
	fflush(stdout);
	child = fork();
	if (child == 0) {
		be_server(&serve, &files, parent);
		_exit(0);
	}
	if (child < 0) {
		err = error_os(errno, "a process that answers gdb");
		remove_files(&files);
		return err;
	}
	// From here on the files are the child's.
	return start_gdb(program, &files, &words);
}
