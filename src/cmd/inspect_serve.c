// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/inspect_commands.h"
#include "report/gdbwire.h"

enum {
	INPUT_BYTES = 4096,
	OUTPUT_BYTES = 4096, // Of a command, in one packet.
	WORDS_MAX = 64,
};

// Commands that gdb's user may give: those that look into the dump.
static const struct {
	const char *name;
	const char *command;
	const char *arguments;
	struct error *(*run)(int argc, char **argv);
} commands[] = {
	{"bt", "bt", "[-a | -c CPU | PID... | TASK...]", inspect_commands_bt},
	{"ps", "ps", "[-u]", inspect_commands_ps},
	{"dmesg", "log", "", inspect_commands_log},
	{"log", "log", "", inspect_commands_log},
	{"summary", "summary", "", inspect_commands_summary},
	{"modules", "modules", "", inspect_commands_modules},
	{"cmdline", "cmdline", "", inspect_commands_cmdline},
	{"sym", "sym", "ADDRESS|NAME", inspect_commands_sym},
	{"read", "read", "ADDRESS|NAME [COUNT]", inspect_commands_read},
	{"type", "type", "NAME", inspect_commands_type},
};

// A connection.
struct session {
	const struct inspect_serve *serve;
	int fd;
	bool has_acks;
	bool is_last; // The last answer was sent.
	bool is_over;
	struct gdbwire wire;
	uint8_t input[INPUT_BYTES];
	size_t input_at, input_bytes;
	struct gdbstub_answer answer;
	uint8_t frame[GDBWIRE_FRAME_BYTES + 2 * GDBWIRE_PACKET_BYTES]; // What was sent last.
	size_t frame_bytes; // 0: nothing that could be sent again.
};

// Waits for one of two; gives whether that is the second.
static bool wait_input(struct session *session, int other_fd)
{
	struct pollfd polls[] = {
		{.fd = session->serve->signal_fd, .events = POLLIN},
		{.fd = session->fd, .events = POLLIN},
		{.fd = other_fd, .events = POLLIN},
	};

	if (session->input_at < session->input_bytes)
		return false;
	while (poll(polls, array_size(polls), -1) < 0)
		if (errno != EINTR)
			session->is_over = true;
	if (polls[0].revents)
		session->is_over = true;
	return !session->is_over && !polls[1].revents && polls[2].revents;
}

static bool fill_input(struct session *session)
{
	ssize_t got;

	wait_input(session, -1);
	if (session->is_over)
		return false;
	got = recv(session->fd, session->input, sizeof(session->input), 0);
	if (got <= 0) {
		session->is_over = got == 0 || errno != EINTR;
		return !session->is_over;
	}
	session->input_at = 0;
	session->input_bytes = (size_t)got;
	return true;
}

// What is there already; GDBWIRE_NOTHING: it is used up.
static enum gdbwire_event take_input(struct session *session)
{
	enum gdbwire_event event = GDBWIRE_NOTHING;

	while (session->input_at < session->input_bytes && event == GDBWIRE_NOTHING)
		event = gdbwire_take(&session->wire, session->input[session->input_at++]);
	return event;
}

// GDBWIRE_NOTHING: the connection is over.
static enum gdbwire_event next_event(struct session *session)
{
	enum gdbwire_event event = take_input(session);

	while (event == GDBWIRE_NOTHING && fill_input(session))
		event = take_input(session);
	return event;
}

static void send_bytes(struct session *session, const void *bytes, size_t size_bytes)
{
	const uint8_t *at = bytes;

	while (size_bytes && !session->is_over) {
		ssize_t sent = send(session->fd, at, size_bytes, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			session->is_over = true;
			return;
		}
		at += sent;
		size_bytes -= (size_t)sent;
	}
}

static void send_answer(struct session *session)
{
	session->frame_bytes = gdbwire_frame(session->answer.text, session->answer.size_bytes, session->frame);
	send_bytes(session, session->frame, session->frame_bytes);
}

static void send_again(struct session *session)
{
	send_bytes(session, session->frame, session->frame_bytes);
}

static void say_ok(struct session *session)
{
	session->answer.size_bytes = 2;
	memcpy(session->answer.text, "OK", 2);
	send_answer(session);
}

// How an output goes on.
enum output {
	OUTPUT_WANTED,
	OUTPUT_STOPPED, // The user pressed a key.
	OUTPUT_DROPPED, // gdb asks for something else already.
};

static enum output heard(struct session *session, enum gdbwire_event event)
{
	switch (event) {
	case GDBWIRE_START:
		return OUTPUT_DROPPED;
	case GDBWIRE_BREAK:
		return OUTPUT_STOPPED;
	case GDBWIRE_NAK:
		send_again(session);
		return OUTPUT_WANTED;
	default:
		return OUTPUT_WANTED;
	}
}

// A piece goes out when the one before has come: who reads no more is seen, and is sent no more.
static enum output put_output(struct session *session, char *bytes, size_t size_bytes)
{
	enum output output = OUTPUT_WANTED;
	enum gdbwire_event event = GDBWIRE_NOTHING;

	// gdb shows it at its terminal, where nothing of the dump may move the cursor.
	for (size_t i = 0; i < size_bytes; i++)
		if (((unsigned char)bytes[i] < ' ' && bytes[i] != '\n' && bytes[i] != '\t') || bytes[i] == 0x7f)
			bytes[i] = '.';
	gdbstub_output(bytes, size_bytes, &session->answer);
	send_answer(session);
	while (session->has_acks && !session->is_over && output == OUTPUT_WANTED && event != GDBWIRE_ACK) {
		event = next_event(session);
		output = heard(session, event);
	}
	session->frame_bytes = 0;
	return output;
}

static enum output pass_output(struct session *session, int fd)
{
	enum output output = OUTPUT_WANTED;
	char bytes[OUTPUT_BYTES];

	while (!session->is_over && output == OUTPUT_WANTED) {
		ssize_t got;

		if (!wait_input(session, fd)) {
			enum gdbwire_event event;

			if (session->is_over)
				break;
			if (session->input_at == session->input_bytes && !fill_input(session))
				continue;
			event = take_input(session);
			output = heard(session, event);
			continue;
		}
		got = read(fd, bytes, sizeof(bytes));
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		if (got > 0)
			output = put_output(session, bytes, (size_t)got);
	}
	return output;
}

static void print_help(void)
{
	puts("Commands that kdump-inspect runs, of gdb as \"monitor NAME\":");
	for (size_t i = 0; i < array_size(commands); i++)
		printf("  %s %s\n", commands[i].name, commands[i].arguments);
	puts("  help\nSee kdump-inspect(1). In gdb itself: bt, btpid, btt, ps, dmesg.");
}

// gdb numbers threads as they are listed: the words that gdb's bt makes of that become the address of a task.
static struct error *name_thread(const struct inspect_serve *serve, char **argv, char text[24])
{
	const struct gdbthreads *threads = gdbstub_threads(serve->stub);
	uint64_t number;
	struct error *err = inspect_dump_number(argv[3], "bt --thread", threads->count, &number);

	if (err)
		return err;
	if (!number || !threads->list[number - 1].task_vaddr)
		return error_new(ERROR_BAD_DATA, "which task this is is not known");
	snprintf(text, 24, "%#" PRIx64, threads->list[number - 1].task_vaddr);
	argv[2] = text;
	argv[3] = NULL;
	return NULL;
}

static struct error *run_words(const struct inspect_serve *serve, char *words)
{
	char dump[] = "dump", *argv[WORDS_MAX + 2], *rest = NULL, text[24];
	int argc = 0;

	for (char *word = strtok_r(words, " \t", &rest); word && argc < WORDS_MAX;
	     word = strtok_r(NULL, " \t", &rest)) {
		argv[argc++] = word;
		// Behind the name of the command stands that of the dump.
		if (argc == 1)
			argv[argc++] = dump;
	}
	argv[argc] = NULL;
	if (!argc || strcmp(argv[0], "help") == 0) {
		print_help();
		return NULL;
	}
	for (size_t i = 0; i < array_size(commands); i++) {
		struct error *err = NULL;

		if (strcmp(argv[0], commands[i].name) != 0)
			continue;
		if (strcmp(argv[0], "bt") == 0 && argc == 4 && strcmp(argv[2], "--thread") == 0) {
			err = name_thread(serve, argv, text);
			argc = 3;
		}
		return err ? err : commands[i].run(argc, argv);
	}
	return error_new(ERROR_USAGE, "unknown command %s; monitor help lists them", argv[0]);
}

// In a process of its own, which sees the dump as it is: what goes wrong there ends that alone.
static _Noreturn void be_command(const struct inspect_serve *serve, int out_fd, char *words)
{
	struct error *err;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(out_fd, STDOUT_FILENO);
	dup2(out_fd, STDERR_FILENO);
	inspect_dump_adopt(serve->dump);
	err = run_words(serve, words);
	fflush(stdout);
	if (err)
		fprintf(stderr, "kdump-inspect: %s\n", err->text);
	_exit(0);
}

static void run_command(struct session *session)
{
	_cleanup_free_ char *words = strndup((const char *)session->answer.text, session->answer.size_bytes);
	char failure[] = "kdump-inspect: the command could not be started\n";
	enum output output = OUTPUT_WANTED;
	int fds[2];
	pid_t pid = -1;

	if (!words || pipe2(fds, O_CLOEXEC) < 0) {
		output = put_output(session, failure, strlen(failure));
	} else {
		pid = fork();
		if (pid == 0)
			be_command(session->serve, fds[1], words);
		close(fds[1]);
		output = pid < 0 ? put_output(session, failure, strlen(failure)) : pass_output(session, fds[0]);
		close(fds[0]);
	}
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	if (output != OUTPUT_DROPPED && !session->is_over)
		say_ok(session);
}

static void answer_packet(struct session *session)
{
	session->frame_bytes = 0;
	if (session->has_acks)
		send_bytes(session, "+", 1);
	gdbstub_answer(session->serve->stub, session->wire.packet, session->wire.size_bytes, &session->answer);
	switch (session->answer.next) {
	case GDBSTUB_END:
		session->is_over = true;
		return;
	case GDBSTUB_COMMAND:
		run_command(session);
		return;
	case GDBSTUB_REFUSAL: {
		struct gdbstub_answer stop = session->answer;
		char text[] = GDBSTUB_REFUSAL_TEXT;

		if (put_output(session, text, strlen(text)) == OUTPUT_DROPPED)
			return;
		session->answer = stop;
		break;
	}
	default:
		break;
	}
	send_answer(session);
	session->has_acks = session->has_acks && session->answer.next != GDBSTUB_ACKS_END;
	// gdb closes the connection itself when it has this answer: if it were closed already, its acknowledgement would fail.
	session->is_last = session->answer.next == GDBSTUB_LAST;
}

static void converse(const struct inspect_serve *serve, int fd)
{
	_cleanup_free_ struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return;
	session->serve = serve;
	session->fd = fd;
	session->has_acks = true;
	while (!session->is_over) {
		switch (next_event(session)) {
		case GDBWIRE_PACKET:
			if (session->is_last)
				session->is_over = true;
			else
				answer_packet(session);
			break;
		case GDBWIRE_BAD:
			if (session->has_acks)
				send_bytes(session, "-", 1);
			break;
		case GDBWIRE_NAK:
			send_again(session);
			break;
		default:
			break;
		}
	}
}

// The socket is in a directory that nobody else enters; who comes in another way is turned away too.
static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

void inspect_serve_run(const struct inspect_serve *serve)
{
	struct pollfd polls[] = {{.fd = serve->signal_fd, .events = POLLIN},
	                         {.fd = serve->listen_fd, .events = POLLIN}};

	while (!polls[0].revents) {
		_cleanup_close_ int fd = -1;

		if (poll(polls, array_size(polls), -1) < 0 && errno != EINTR)
			return;
		if (polls[0].revents || !polls[1].revents)
			continue;
		fd = accept4(serve->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0 && is_ours(fd))
			converse(serve, fd);
		// What ended a conversation may have been the signal: it is still there.
	}
}
