// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_estimate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

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

static struct error *flush(void)
{
	return fflush(stdout) < 0 || ferror(stdout) ? error_os(errno, "write the estimate") : NULL;
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
	return flush();
}

struct error *ctl_estimate(const struct host *host, const struct config *config, bool is_json)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	uint64_t reserved_bytes = 0;
	struct error *err = reservation_estimate(host, config, &reservation);

	if (!err)
		err = crashkernel_read(host, &reserved_bytes);
	if (err)
		return err;
	return is_json ? print_json(&reservation, reserved_bytes) : print_table(&reservation, reserved_bytes);
}

struct error *ctl_estimate_calibrate(const struct host *host, const struct config *config)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	struct error *err = reservation_estimate(host, config, &reservation);
	uint64_t most, least;

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
	return flush();
}

struct error *ctl_estimate_default(const struct host *host, const struct config *config)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	struct error *err = reservation_estimate(host, config, &reservation);

	if (err)
		return err;
	printf("%" PRIu64 "M\n", reservation.proposed_mib);
	return flush();
}
