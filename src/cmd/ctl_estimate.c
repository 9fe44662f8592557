// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_estimate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "boot/crashkernel.h"
#include "boot/reservation.h"

#define MIB ((uint64_t)1 << 20)

// The low part of the memory that a 32-bit device reaches has holes; more than this is refused on common machines.
enum { LOW_MAX_MIB = 2048 };

static uint64_t in_mib(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}

static struct error *print_json(const struct reservation *reservation, uint64_t reserved_bytes)
{
	struct json json;

	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_number(&json, "reserved_bytes", reserved_bytes);
	json_number(&json, "need_bytes", reservation->need_bytes);
	json_number(&json, "least_bytes", reservation->least_bytes);
	json_number(&json, "proposed_bytes", reservation->proposed_mib * MIB);
	json_bool(&json, "is_enough", reserved_bytes >= reservation->least_bytes);
	json_text(&json, "form", reservation->is_full ? "full" : "minimal");
	json_text(&json, "problem", reservation->problem);
	json_open_array(&json, "parts");
	for (int i = 0; i < RESERVATION_PARTS; i++) {
		json_open_object(&json, NULL);
		json_text(&json, "name", reservation_part_name(i));
		json_number(&json, "bytes", reservation->bytes[i]);
		json_text(&json, "why", reservation->why[i]);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	return json_finish(&json);
}

static struct error *print_table(const struct reservation *reservation, uint64_t reserved_bytes)
{
	printf("Reserved crashkernel:    %" PRIu64 "M\nRecommended crashkernel: %" PRIu64 "M\n\n", reserved_bytes / MIB,
	       reservation->proposed_mib);
	for (int i = 0; i < RESERVATION_PARTS; i++)
		printf("%-10s %7.1f MiB  %s\n", reservation_part_name(i), (double)reservation->bytes[i] / (double)MIB,
		       reservation->why[i]);
	printf("%-10s %7.1f MiB\n", "need", (double)reservation->need_bytes / (double)MIB);
	if (reservation->need_bytes != reservation->least_bytes)
		printf("%-10s %7.1f MiB  with one CPU\n", "least", (double)reservation->least_bytes / (double)MIB);
	if (reservation->problem)
		printf("\nno plan can be made, so that some of this is a guess: %s\n", reservation->problem);
	if (reserved_bytes < reservation->least_bytes)
		printf("\nWARNING: Current crashkernel size is lower than needed size %" PRIu64 "M.\n",
		       in_mib(reservation->least_bytes));
	else if (reserved_bytes < reservation->proposed_mib * MIB)
		printf("\nWARNING: Current crashkernel size is lower than recommended size %" PRIu64 "M.\n",
		       reservation->proposed_mib);
	return ctl_flush("the estimate");
}

static struct error *estimate(const struct ctl *ctl, struct config *config, struct reservation *ret)
{
	struct error *err = ctl_load_config(ctl, config);

	return err ? err : reservation_estimate(&ctl->host, config, ret);
}

struct error *ctl_estimate(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_reservation_ struct reservation reservation = {0};
	uint64_t reserved_bytes = 0;
	struct error *err = estimate(ctl, &config, &reservation);

	(void)exit_ret;
	if (!err)
		err = crashkernel_read(&ctl->host, &reserved_bytes);
	if (err)
		return err;
	return ctl->is_json ? print_json(&reservation, reserved_bytes) : print_table(&reservation, reserved_bytes);
}

struct error *ctl_estimate_calibrate(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_reservation_ struct reservation reservation = {0};
	struct error *err = estimate(ctl, &config, &reservation);
	uint64_t most, least;

	(void)exit_ret;
	if (err)
		return err;
	most = reservation.total_mib / 2 < LOW_MAX_MIB ? reservation.total_mib / 2 : LOW_MAX_MIB;
	if (most < reservation.proposed_mib)
		most = reservation.proposed_mib;
	least = in_mib(reservation.least_bytes);
	if (least > reservation.proposed_mib)
		least = reservation.proposed_mib;
	printf("Total: %" PRIu64 "\nLow: %" PRIu64 "\nHigh: 0\nMinLow: %" PRIu64 "\nMaxLow: %" PRIu64
	       "\nMinHigh: 0\nMaxHigh: 0\n",
	       reservation.total_mib, reservation.proposed_mib, least, most);
	return ctl_flush("the estimate");
}

struct error *ctl_estimate_default(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_reservation_ struct reservation reservation = {0};
	const char *word = ctl->word_count ? ctl->words[0] : "kdump";
	struct error *err;

	(void)exit_ret;
	if (strcmp(word, "fadump") == 0)
		return error_new(ERROR_UNSUPPORTED, "firmware-assisted dump is not supported yet");
	if (strcmp(word, "kdump") != 0)
		return error_new(ERROR_USAGE, "get-default-crashkernel %s: allowed is kdump, or nothing", word);
	err = estimate(ctl, &config, &reservation);
	if (err)
		return err;
	if (ctl->is_json) {
		struct json json;

		json_init(&json, stdout);
		json_open_object(&json, NULL);
		json_number(&json, "proposed_bytes", reservation.proposed_mib * MIB);
		json_close(&json);
		return json_finish(&json);
	}
	printf("%" PRIu64 "M\n", reservation.proposed_mib);
	return ctl_flush("the estimate");
}
