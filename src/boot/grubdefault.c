// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/grubdefault.h"

#include <string.h>

#include "boot/assignment.h"
#include "boot/text.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

// A walk over the lines of a file, as a shell would see where they begin.
struct walk {
	const char *name;
	const char *next; // What was not read yet.
	unsigned int number; // Of the line.
	char quote; // One that is open at the start of the line.
	bool is_continued; // The line before ends with a backslash.
	unsigned int open_number; // Where the quote was opened.
	unsigned int depth; // Of if, case, loops and functions.
	char *line; // A copy of it.
	const char *start; // It, in the file.
};

static struct error *wrong_line(const struct walk *walk, unsigned int number, const char *what)
{
	return error_new(ERROR_CONFIG, "%s:%u: %s", walk->name, number, what);
}

// Which quote is open behind a line. ` counts as one: what is in it is no assignment of this file.
static void scan_quotes(struct walk *walk)
{
	walk->is_continued = false;
	for (const char *at = walk->line; *at; at++) {
		bool is_word_start = at == walk->line || strchr(" \t;&|(", at[-1]);

		if (!walk->quote && *at == '#' && is_word_start)
			return;
		if (*at == '\\' && walk->quote != '\'') {
			walk->is_continued = !at[1];
			at += at[1] != '\0';
		} else if (walk->quote == *at) {
			walk->quote = '\0';
		} else if (!walk->quote && strchr("\"'`", *at)) {
			walk->quote = *at;
			walk->open_number = walk->number;
		}
	}
}

static bool is_variable(const char *name, size_t size_bytes, const char *variable)
{
	return size_bytes == strlen(variable) && strncmp(name, variable, size_bytes) == 0;
}

static bool is_word_of(const char *word, size_t size_bytes, const char *const *list)
{
	for (; *list; list++)
		if (is_variable(word, size_bytes, *list))
			return true;
	return false;
}

// What stands between these may not be carried out. One that begins and ends on a line changes nothing.
static void scan_blocks(struct walk *walk)
{
	static const char *const opening[] = {"if", "case", "for", "while", "until", "{", NULL};
	static const char *const closing[] = {"fi", "esac", "done", "}", NULL};
	const char *first = walk->line + strspn(walk->line, " \t"), *end = first + strlen(first), *last;
	size_t size = strcspn(first, " \t;");
	bool is_opening, is_closing;

	if (*first == '#')
		return;
	while (end > first && strchr(" \t;", end[-1]))
		end--;
	for (last = end; last > first && !strchr(" \t;", last[-1]);)
		last--;
	is_opening = is_word_of(first, size, opening) || (end - first > 1 && end[-1] == '{' && strchr(" \t)", end[-2]));
	is_closing = is_word_of(last, (size_t)(end - last), closing) || is_word_of(first, size, closing);
	if (is_opening && !is_closing)
		walk->depth++;
	else if (is_closing && !is_opening && walk->depth)
		walk->depth--;
}

static void walk_deinit(struct walk *walk)
{
	free(walk->line);
}

// The next line. *is_inside_ret: it is the rest of one before it.
static struct error *walk_next(struct walk *walk, bool *is_inside_ret)
{
	size_t size = strcspn(walk->next, "\n");

	free(walk->line);
	walk->line = strndup(walk->next, size);
	if (!walk->line)
		return error_new(ERROR_NOMEM, "no memory for %s", walk->name);
	walk->start = walk->next;
	walk->next += size + (walk->next[size] == '\n');
	walk->number++;
	*is_inside_ret = walk->quote || walk->is_continued;
	if (!*is_inside_ret)
		scan_blocks(walk);
	scan_quotes(walk);
	return NULL;
}

// Whether a line gives a value to one of our variables, in whatever way: NAME= or NAME+= as a whole word, not $NAME.
static bool is_concerned(const char *line)
{
	for (const char *at = strstr(line, GRUBDEFAULT_VARIABLE); at; at = strstr(at + 1, GRUBDEFAULT_VARIABLE)) {
		size_t size = strspn(at, letters);
		bool is_word = at == line || !strchr(letters, at[-1]);

		if (is_word &&
		    (is_variable(at, size, GRUBDEFAULT_VARIABLE) || is_variable(at, size, GRUBDEFAULT_NORMAL)) &&
		    (at[size] == '=' || strncmp(at + size, "+=", 2) == 0))
			return true;
	}
	return false;
}

// *is_ours_ret: the line is an assignment that counts here.
static struct error *parse(const struct walk *walk, bool is_inside, struct assignment *assignment, bool *is_ours_ret)
{
	const char *line = walk->line + strspn(walk->line, " \t"), *what;

	*is_ours_ret = false;
	if ((!is_inside && *line == '#') || !is_concerned(line))
		return NULL;
	if (is_inside)
		return wrong_line(walk, walk->number,
		                  "a kernel command line in the middle of a longer line is not understood");
	what = assignment_parse(walk->line, assignment);
	if (!what && !is_variable(assignment->name, assignment->name_bytes, GRUBDEFAULT_VARIABLE) &&
	    !is_variable(assignment->name, assignment->name_bytes, GRUBDEFAULT_NORMAL)) {
		// Our variable's name in the value of another one.
		return NULL;
	}
	if (what)
		return wrong_line(walk, walk->number, what);
	if (walk->depth)
		return wrong_line(walk, walk->number,
		                  "whether this kernel command line counts is decided by the lines around it");
	if (assignment->has_command)
		return wrong_line(walk, walk->number,
		                  "the kernel command line is made by a command, which is not run to read it");
	*is_ours_ret = true;
	return NULL;
}

static struct error *check_end(const struct walk *walk)
{
	return walk->quote ? wrong_line(walk, walk->open_number, "a quote is not closed") : NULL;
}

// A line behind the last one must be one of its own.
static struct error *check_room(const struct walk *walk)
{
	if (walk->depth || walk->is_continued)
		return wrong_line(walk, walk->number, "the file ends in the middle of something");
	return NULL;
}

// Number of the line of the last assignment of the variable for all entries. 0 for none: one can be added behind the last line.
static struct error *find_last(const char *text, const char *name, bool is_adding, unsigned int *ret)
{
	struct error *err;

	_cleanup_(walk_deinit) struct walk walk = {.name = name, .next = text};

	*ret = 0;
	while (*walk.next) {
		struct assignment assignment;
		bool is_inside, is_ours = false;

		err = walk_next(&walk, &is_inside);

		if (!err)
			err = parse(&walk, is_inside, &assignment, &is_ours);
		if (err)
			return err;
		if (is_ours && is_variable(assignment.name, assignment.name_bytes, GRUBDEFAULT_VARIABLE))
			*ret = walk.number;
	}
	err = check_end(&walk);
	return err || *ret || !is_adding ? err : check_room(&walk);
}

static struct error *edit_line(const struct walk *walk, const struct assignment *assignment,
                               const struct parameters_change *change, struct text *text)
{
	struct parameters_line line = {assignment->value, assignment->value_bytes, assignment->quote};
	_cleanup_free_ char *value = NULL;
	struct error *err = parameters_edit(&line, change, &value);
	const char *quote;

	if (err)
		return error_wrap(err, "%s:%u", walk->name, walk->number);
	quote = !assignment->quote && strpbrk(value, " \t") ? "\"" : "";
	text_add(text, "%.*s%s%s%s%s", (int)(assignment->value - walk->line), walk->line, quote, value, quote,
	         assignment->value + assignment->value_bytes);
	return NULL;
}

static void add_line(const struct parameters_change *change, struct text *text)
{
	bool has_end = !text->size_bytes || text->buf[text->size_bytes - 1] == '\n';

	text_add(text, "%s" GRUBDEFAULT_VARIABLE "=\"", has_end ? "" : "\n");
	for (const char *const *word = change->add; *word; word++)
		text_add(text, "%s%s", word == change->add ? "" : " ", *word);
	text_add(text, "\"\n");
}

struct error *grubdefault_edit(const char *text, const char *name, const struct parameters_change *change, char **ret)
{
	_cleanup_(walk_deinit) struct walk walk = {.name = name, .next = text};
	_cleanup_text_ struct text whole = {0};
	// What comes in one place goes from the others.
	_cleanup_words_ struct words gone = {0};
	struct parameters_change removal;
	unsigned int last = 0;
	bool is_adding = change->add && *change->add;
	struct error *err = find_last(text, name, is_adding, &last);

	for (const char *const *word = change->remove; word && *word; word++)
		words_add(&gone, *word);
	for (const char *const *word = change->add; word && *word; word++)
		words_add(&gone, *word);
	if (!err)
		err = words_check(&gone);
	removal = (struct parameters_change){.remove = (const char *const *)gone.list};
	while (!err && *walk.next) {
		struct assignment assignment;
		bool is_inside, is_ours = false;

		err = walk_next(&walk, &is_inside);
		if (!err)
			err = parse(&walk, is_inside, &assignment, &is_ours);
		if (!err && is_ours)
			err = edit_line(&walk, &assignment, walk.number == last ? change : &removal, &whole);
		else if (!err)
			text_add(&whole, "%s", walk.line);
		text_add(&whole, "%s", walk.next > walk.start && walk.next[-1] == '\n' ? "\n" : "");
	}
	if (err)
		return err;
	if (!last && is_adding)
		add_line(change, &whole);
	return text_take(&whole, ret);
}

struct error *grubdefault_find(const char *text, const char *name, const char *const *names, struct words *ret)
{
	_cleanup_(walk_deinit) struct walk walk = {.name = name, .next = text};

	while (*walk.next) {
		struct assignment assignment;
		bool is_inside, is_ours = false;
		struct error *err = walk_next(&walk, &is_inside);

		if (!err)
			err = parse(&walk, is_inside, &assignment, &is_ours);
		if (err)
			return err;
		if (is_ours) {
			struct parameters_line line = {assignment.value, assignment.value_bytes, assignment.quote};

			parameters_find(&line, names, ret);
		}
	}
	return check_end(&walk);
}

bool grubdefault_is(const char *text, const char *variable, const char *value)
{
	_cleanup_(walk_deinit) struct walk walk = {.name = "", .next = text};
	bool is_so = false;

	while (*walk.next) {
		struct assignment assignment;
		bool is_inside;
		_cleanup_error_ struct error *err = walk_next(&walk, &is_inside);

		if (err)
			return false;
		if (!is_inside && !assignment_parse(walk.line, &assignment) &&
		    is_variable(assignment.name, assignment.name_bytes, variable))
			is_so = assignment.value_bytes == strlen(value) &&
			        strncmp(assignment.value, value, assignment.value_bytes) == 0;
	}
	return is_so;
}
