/* A disk with faults, for LD_PRELOAD. The file that FAULTS names says which, while it says so:
   `slow S`: every sync takes S seconds more; `fail 1`: every sync fails with EIO; `full 1`: every
   write to a file of DuckDB fails with ENOSPC. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double fault(const char *name)
{
    char text[256];
    const char *path = getenv("FAULTS"), *found;
    int file = path ? open(path, O_RDONLY) : -1;
    ssize_t size;

    if (file < 0)
        return 0;
    size = read(file, text, sizeof text - 1);
    close(file);
    text[size > 0 ? size : 0] = 0;
    found = strstr(text, name);
    return found ? atof(found + strlen(name)) : 0;
}

static int synced(int file, const char *name)
{
    double s = fault("slow ");
    struct timespec pause = {(time_t)s, (long)((s - (time_t)s) * 1e9)};
    int (*real)(int) = dlsym(RTLD_NEXT, name);

    if (s > 0)
        nanosleep(&pause, NULL);
    if (fault("fail ") > 0) {
        errno = EIO;
        return -1;
    }
    return real(file);
}

static int is_full(int file)
{
    char link[64], path[512];
    ssize_t size;

    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    size = readlink(link, path, sizeof path - 1);
    path[size > 0 ? size : 0] = 0;
    if (!strstr(path, ".duckdb") || fault("full ") <= 0)
        return 0;
    errno = ENOSPC;
    return 1;
}

int fsync(int file) { return synced(file, "fsync"); }
int fdatasync(int file) { return synced(file, "fdatasync"); }

ssize_t write(int file, const void *data, size_t size)
{
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return file > 2 && is_full(file) ? -1 : real(file, data, size);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return is_full(file) ? -1 : real(file, data, size, at);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at)
{
    return pwrite64(file, data, size, at);
}
