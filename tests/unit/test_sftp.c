// SPDX-License-Identifier: GPL-2.0-or-later
// The client of SFTP, with OpenSSH's server on the other end, and with one that says what it should not.
#include "capture/sftp.h"

#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static char directory[] = "/tmp/kdump-sftp.XXXXXX";
static const char server_program[] = "/usr/lib/openssh/sftp-server";

struct peer {
	int in_fd, out_fd;
	pid_t pid;
};

static struct peer start_server(void)
{
	struct peer peer;
	int hears[2], says[2];

	check(pipe2(hears, O_CLOEXEC) == 0 && pipe2(says, O_CLOEXEC) == 0);
	peer.pid = fork();
	check(peer.pid >= 0);
	if (!peer.pid) {
		dup2(hears[0], STDIN_FILENO);
		dup2(says[1], STDOUT_FILENO);
		execl(server_program, server_program, "-e", NULL);
		_exit(127);
	}
	close(hears[0]);
	close(says[1]);
	peer.in_fd = says[0];
	peer.out_fd = hears[1];
	return peer;
}

static void stop_server(const struct peer *peer)
{
	int status;

	close(peer->in_fd);
	close(peer->out_fd);
	check(waitpid(peer->pid, &status, 0) == peer->pid && WIFEXITED(status) && WEXITSTATUS(status) != 127);
}

static const char *at(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

// Pieces from the end to the begin, of sizes that do not fit a packet, over what was written before, and a gap at the end.
static void pieces(void)
{
	enum { BYTES = 5000000, FILE_BYTES = BYTES + 12345, PIECE = 77777 };
	struct peer peer = start_server();
	uint8_t *content = calloc(1, FILE_BYTES), *read_back = malloc(FILE_BYTES + 1);
	struct sftp *sftp = NULL;
	struct sftp_file file;
	struct stat info;
	char from[128];
	int fd;

	for (size_t i = 0; i < BYTES; i++)
		content[i] = (uint8_t)(i * 2654435761U >> 13);
	check_ok(sftp_create(peer.in_fd, peer.out_fd, &sftp));
	check_ok(sftp_mkdir(sftp, at("made"), 0700));
	check(stat(at("made"), &info) == 0 && S_ISDIR(info.st_mode) && (info.st_mode & 0777) == 0700);
	check_ok(sftp_open(sftp, at("made/file"), &file));
	check_ok(sftp_write(sftp, &file, 0, &(struct iovec){read_back, 5000}, 1));
	for (size_t offset = BYTES / PIECE * PIECE;; offset -= PIECE) {
		size_t size = BYTES - offset < PIECE ? BYTES - offset : PIECE;
		struct iovec parts[2] = {{content + offset, size / 3}, {content + offset + size / 3, size - size / 3}};

		check_ok(sftp_write(sftp, &file, offset, parts, 2));
		if (!offset)
			break;
	}
	check_ok(sftp_finish(sftp, &file, FILE_BYTES));
	check(sftp_room(sftp, directory) > 0);
	snprintf(from, sizeof(from), "%s", at("made"));
	check_ok(sftp_rename(sftp, from, at("named")));
	fd = open(at("named/file"), O_RDONLY);
	check(fd >= 0 && fstat(fd, &info) == 0 && (info.st_mode & 0777) == 0600);
	check(read(fd, read_back, FILE_BYTES + 1) == FILE_BYTES && memcmp(content, read_back, FILE_BYTES) == 0);
	close(fd);
	check_ok(sftp_remove(sftp, at("named/file")));
	check_ok(sftp_remove(sftp, at("named/file")));
	check(rmdir(at("named")) == 0);
	sftp_destroy(sftp);
	stop_server(&peer);
	free(content);
	free(read_back);
}

static void refusals(void)
{
	struct peer peer = start_server();
	struct sftp *sftp = NULL;
	struct sftp_file file;

	check_ok(sftp_create(peer.in_fd, peer.out_fd, &sftp));
	check_error(sftp_open(sftp, at("none/file"), &file), ERROR_OS, "none/file: create: No such file");
	check_ok(sftp_open(sftp, at("file"), &file));
	check_ok(sftp_write(sftp, &file, 0, &(struct iovec){directory, 10}, 1));
	check_error(sftp_finish(sftp, &file, 5), ERROR_BAD_DATA, "has 10 bytes, and should have 5");
	check_error(sftp_open(sftp, at("file"), &file), ERROR_OS, "the server says: Failure");
	check_error(sftp_mkdir(sftp, directory, 0700), ERROR_OS, "make directory");
	// The file may have been closed by the server meanwhile.
	check_ok(sftp_remove(sftp, at("file")));
	check_ok(sftp_write(sftp, &file, 0, &(struct iovec){directory, 10}, 1));
	check_error(sftp_finish(sftp, &file, 10), ERROR_OS, "write");
	sftp_destroy(sftp);
	stop_server(&peer);
}

// The server ends while much is on its way.
static void lost(void)
{
	struct peer peer = start_server();
	static uint8_t content[300000];
	struct error *err = NULL;
	struct sftp *sftp = NULL;
	struct sftp_file file;

	check_ok(sftp_create(peer.in_fd, peer.out_fd, &sftp));
	check_ok(sftp_open(sftp, at("file"), &file));
	check_ok(sftp_write(sftp, &file, 0, &(struct iovec){content, sizeof(content)}, 1));
	kill(peer.pid, SIGKILL);
	waitpid(peer.pid, NULL, 0);
	for (int i = 0; i < 100 && !err; i++)
		err = sftp_write(sftp, &file, 0, &(struct iovec){content, sizeof(content)}, 1);
	check_error(err, ERROR_OS, "");
	check_error(sftp_finish(sftp, &file, sizeof(content)), ERROR_OS, "");
	sftp_destroy(sftp);
	close(peer.in_fd);
	close(peer.out_fd);
	check(unlink(at("file")) == 0);
}

// What a server says, whatever it is asked.
static struct error *greeted_by(const void *bytes, size_t size_bytes, struct sftp **ret)
{
	int says[2], null = open("/dev/null", O_WRONLY);
	struct error *err;

	check(pipe(says) == 0 && write(says[1], bytes, size_bytes) == (ssize_t)size_bytes);
	close(says[1]);
	err = sftp_create(says[0], null, ret);
	return err;
}

static void bad_words(void)
{
	// VERSION 3; then statuses: of another request, and one that ends in the middle.
	static const uint8_t version[] = "\0\0\0\5\2\0\0\0\3", old[] = "\0\0\0\5\2\0\0\0\2",
			     huge[] = "\377\377\377\377\2\0\0\0\3",
			     other_id[] = "\0\0\0\5\2\0\0\0\3\0\0\0\21\145\0\0\0\77\0\0\0\0\0\0\0\0\0\0\0\0",
			     short_status[] = "\0\0\0\5\2\0\0\0\3\0\0\0\7\145\0\0\0\0\0\0",
			     text[] = "Welcome to this server!\n";
	struct sftp *sftp = NULL;

	check_error(greeted_by(old, sizeof(old) - 1, &sftp), ERROR_BAD_DATA, "not understood");
	check_error(greeted_by(huge, sizeof(huge) - 1, &sftp), ERROR_BAD_DATA, "not understood");
	check_error(greeted_by(text, sizeof(text) - 1, &sftp), ERROR_BAD_DATA, "not understood");
	check_error(greeted_by(version, 3, &sftp), ERROR_OS, "ended the connection");
	check_ok(greeted_by(other_id, sizeof(other_id) - 1, &sftp));
	check_error(sftp_mkdir(sftp, "/a", 0700), ERROR_BAD_DATA, "not understood");
	check_error(sftp_mkdir(sftp, "/b", 0700), ERROR_OS, "lost");
	sftp_destroy(sftp);
	check_ok(greeted_by(short_status, sizeof(short_status) - 1, &sftp));
	check_error(sftp_mkdir(sftp, "/a", 0700), ERROR_BAD_DATA, "not understood");
	sftp_destroy(sftp);
}

static const struct test tests[] = {
	TEST(pieces),
	TEST(refusals),
	TEST(lost),
	TEST(bad_words),
};

int main(int argc, char **argv)
{
	int status;

	signal(SIGPIPE, SIG_IGN);
	check(mkdtemp(directory) != NULL);
	status = test_main(tests, array_size(tests), argc, argv);
	check(rmdir(directory) == 0);
	return status;
}
