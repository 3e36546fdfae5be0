/* What the followers written in C and C++ have in common when they are measured;
 * go/harness says how such a program is run and what it prints.
 *
 * A program defines follow(), which follows a capture file and returns how many
 * bytes were delivered. With `report` it also says of whom, by report_side().
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t follow (const char *path, int report);

/* Arguments that are not the harness's own. */
static const char *arguments[8];
static int n_arguments;

static inline uint32_t crc32_add (uint32_t crc, const void *bytes, uint64_t length)
{
    static uint32_t table[256];
    const uint8_t *b = (const uint8_t *) bytes;
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++)
                c = (c & 1) ? 0xEDB88320u ^ (c >> 1) : c >> 1;
            table[i] = c;
        }
    }
    crc = ~crc;
    for (uint64_t i = 0; i < length; i++)
        crc = table[(crc ^ b[i]) & 255] ^ (crc >> 8);
    return ~crc;
}

/* Prints what a side said. address: the client's, 4 bytes in network order. gaps: how many bytes are missing, below 0 where that is not known. */
static inline void report_side (const void *address, unsigned port, const char *sender, uint64_t bytes, uint32_t crc, int64_t gaps)
{
    char text[INET_ADDRSTRLEN] = "";
    (void) inet_ntop (AF_INET, address, text, sizeof text);
    printf ("%s:%u %s %" PRIu64 " %08" PRIx32, text, port, sender, bytes, crc);
    if (gaps < 0)
        printf (" -\n");
    else
        printf (" %" PRId64 "\n", gaps);
}

/* Returns the most KiB that this process had, 0 where the system does not say. */
static inline unsigned long peak_memory (void)
{
    unsigned long kib = 0;
    char line[256];
    FILE *status = fopen ("/proc/self/status", "r");
    while (status != NULL && fgets (line, sizeof line, status) != NULL)
        if (sscanf (line, "VmHWM: %lu", &kib) == 1)
            break;
    if (status != NULL)
        fclose (status);
    return kib;
}

static inline double now (clockid_t clock)
{
    struct timespec t;
    clock_gettime (clock, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

int main (int argc, char **argv)
{
    int report = 0, once = 0;
    double began, used;
    uint64_t delivered;
    for (int i = 1; i < argc - 1; i++) {
        if (strcmp (argv[i], "-sums") == 0)
            report = 1;
        else if (strcmp (argv[i], "-once") == 0)
            once = 1;
        else if (n_arguments < 8)
            arguments[n_arguments++] = argv[i];
    }
    if (argc < 2) {
        fprintf (stderr, "usage: %s [-sums] [-once] FILE\n", argv[0]);
        return 2;
    }
    if (report) {
        (void) follow (argv[argc - 1], 1);
        return 0;
    }
    if (!once)
        (void) follow (argv[argc - 1], 0);
    began = now (CLOCK_MONOTONIC);
    used = now (CLOCK_PROCESS_CPUTIME_ID);
    delivered = follow (argv[argc - 1], 0);
    printf ("%.6f %.6f %" PRIu64 " %lu\n", now (CLOCK_MONOTONIC) - began, now (CLOCK_PROCESS_CPUTIME_ID) - used, delivered, peak_memory ());
    return 0;
}

#endif
